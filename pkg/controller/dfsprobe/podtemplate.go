// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

// Where the pod has what the spec refers to. A change of these restarts every server that uses them.
const (
	keytabMount   = "/kerberos"
	keytabFile    = "/kerberos/dittofs.keytab"
	krb5ConfFile  = "/kerberos-krb5/krb5.conf"
	machineKeytab = "/kerberos-machine/machine.keytab"
)
