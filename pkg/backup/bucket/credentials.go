// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"errors"
	"fmt"
	"os"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

// errNone is what to do where no credentials are.
var errNone = errors.New("no credentials found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY from a Secret, or give the ServiceAccount a role (AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN), or the machine")

// sources are where credentials are, in the order in which the tools of AWS look. A role of a ServiceAccount or container that
// was set up and does not work is an error, and no reason to look further: the library's own chain would go on to none.
type sources struct {
	region string
	used   credentials.Provider
}

func newCredentials(region string) *credentials.Credentials {
	return credentials.New(&sources{region: region})
}

func (s *sources) RetrieveWithCredContext(cc *credentials.CredContext) (credentials.Value, error) {
	role := &credentials.IAM{Region: s.region}
	switch {
	case os.Getenv("AWS_ACCESS_KEY_ID") != "":
		s.used = &credentials.EnvAWS{}
	case os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE") != "":
		role.Endpoint = os.Getenv("AWS_ENDPOINT_URL_STS")
		s.used = role
	case os.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") != "" || os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI") != "":
		s.used = role
	default:
		chain := &credentials.Chain{Providers: []credentials.Provider{&credentials.FileAWSCredentials{}}}
		if os.Getenv("AWS_EC2_METADATA_DISABLED") != "true" {
			role.Endpoint = os.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT")
			chain.Providers = append(chain.Providers, role)
		}
		s.used = chain
	}
	value, err := s.used.RetrieveWithCredContext(cc)
	if err == nil && (value.AccessKeyID == "" || value.SecretAccessKey == "") {
		err = errNone
	}
	return value, err
}

func (s *sources) Retrieve() (credentials.Value, error) { return s.RetrieveWithCredContext(nil) }

func (s *sources) IsExpired() bool { return s.used == nil || s.used.IsExpired() }

// mayAsk fails if there are no credentials: the library would ask without, and be told only that it may not.
func (b *Bucket) mayAsk(at Location, what string) error {
	if _, err := b.credentials.GetWithContext(&credentials.CredContext{Client: b.http}); err != nil {
		return fmt.Errorf("%s %s: credentials: %w", what, at, err)
	}
	return nil
}
