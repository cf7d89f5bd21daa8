// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

func init() {
	// The generated registration adds the types; defaults and field rules are
	// registered here, because register-gen knows neither.
	localSchemeBuilder.Register(addDefaultingFuncs, RegisterValidations)
}
