// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

var tokenDurations = durationRange{min: time.Minute, example: "15m or 168h"}

func validateIdentity(identity *dittofsv1alpha1.IdentitySpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if t := identity.Type; t != "" && t != "memory" {
		errs = append(errs, field.NotSupported(path.Child("type"), t, []string{"memory"}))
	}
	errs = append(errs, validateJWT(&identity.JWT, path.Child("jwt"))...)
	if name := identity.Admin.Username; name != "admin" {
		errs = append(errs, field.NotSupported(path.Child("admin", "username"), name, []string{"admin"}))
	}
	return append(errs, validateKeyReference(identity.Admin.PasswordSecretRef, path.Child("admin", "passwordSecretRef"))...)
}

func validateJWT(jwt *dittofsv1alpha1.JWTSpec, path *field.Path) field.ErrorList {
	access, errs := tokenDurations.parse(jwt.AccessTokenDuration, path.Child("accessTokenDuration"))
	refresh, refreshErrs := tokenDurations.parse(jwt.RefreshTokenDuration, path.Child("refreshTokenDuration"))
	errs = append(errs, refreshErrs...)
	if len(errs) == 0 && refresh < access {
		errs = append(errs, field.Invalid(path.Child("refreshTokenDuration"), jwt.RefreshTokenDuration,
			fmt.Sprintf("must not be shorter than accessTokenDuration (%s)", jwt.AccessTokenDuration)))
	}
	return append(errs, validateKeyReference(jwt.SecretRef, path.Child("secretRef"))...)
}
