// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package supportbundle collects what somebody needs who is to help: the command support-bundle. In go the rights of whoever
// runs it, out comes an archive with an index of what is in it and of what could not be had. It changes nothing, and no value
// of a Secret, of an environment variable or of a configuration is in it.
package supportbundle
