// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

func init() {
	// The generated registration adds the types; defaults, field rules and what
	// is read from a query are registered here, because register-gen knows none.
	localSchemeBuilder.Register(addDefaultingFuncs, RegisterValidations, addQueryConversions)
}
