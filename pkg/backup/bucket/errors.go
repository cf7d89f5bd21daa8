// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"github.com/minio/minio-go/v7"
)

// explain says which object of which service, and what to do. right is the one that is needed.
func (b *Bucket) explain(err error, at Location, what, right string) error {
	return fmt.Errorf("%s %s at %s: %w%s", what, at, b.endpoint, err, b.remedy(err, right))
}

func (b *Bucket) remedy(err error, right string) string {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var network *net.OpError
	switch response := minio.ToErrorResponse(err); response.Code {
	case "NoSuchBucket":
		return fmt.Sprintf("; there is no bucket %s: create it, or mend the name or --s3-endpoint", b.name)
	case "NoSuchKey":
		return "; there is no such object: list what is there with dittofs-apiserver etcd list s3://" + b.name + "/PREFIX"
	case "AccessDenied", "AllAccessDisabled", "Forbidden":
		return fmt.Sprintf(" (403); the credentials need the right %s on it", right)
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "InvalidTokenId":
		return fmt.Sprintf(" (%s); the service does not take these credentials: mend those in the environment or the Secret", response.Code)
	case "AuthorizationHeaderMalformed", "PermanentRedirect", "InvalidRegion":
		return "; the bucket is in another region: set --s3-region or AWS_REGION"
	case "RequestTimeTooSkewed":
		return "; the clock of this machine is wrong: mend it"
	case "":
	default:
		return fmt.Sprintf(" (%s, %d)", response.Code, response.StatusCode)
	}
	switch {
	case errors.As(err, &unknown):
		return "; give the authority of its certificate with --s3-cafile or AWS_CA_BUNDLE"
	case errors.As(err, &name):
		return "; its certificate is for another name: mend --s3-endpoint or --s3-addressing"
	case errors.As(err, &network):
		return "; nothing answers there: look at --s3-endpoint or AWS_ENDPOINT_URL, and at NetworkPolicies"
	}
	return ""
}
