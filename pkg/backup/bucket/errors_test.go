// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package bucket_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dittofs/dittofs-apiserver/pkg/backup/bucket"
	"github.com/dittofs/dittofs-apiserver/pkg/backup/bucket/buckettest"
)

func TestEveryErrorSaysWhatToDoAndNoSecret(t *testing.T) {
	refuse := func(status int, code string) func(*buckettest.Service) {
		return func(s *buckettest.Service) { s.Break(buckettest.Refuse(status, code, buckettest.Any)) }
	}
	cases := map[string]struct {
		breaks      func(*buckettest.Service)
		options     bucket.Options
		environment map[string]string // in place of that of the service, "" for its URL and authority
		bucket      string
		want        []string
	}{
		"no such bucket":       {bucket: "nowhere", want: []string{"list s3://nowhere/prefix/", "there is no bucket nowhere: create it"}},
		"no right":             {breaks: refuse(403, "AccessDenied"), want: []string{"list s3://backups/prefix/", "need the right s3:ListBucket"}},
		"an unknown key":       {breaks: refuse(403, "InvalidAccessKeyId"), want: []string{"does not take these credentials", "the Secret"}},
		"a wrong secret":       {breaks: refuse(403, "SignatureDoesNotMatch"), want: []string{"does not take these credentials"}},
		"another region":       {breaks: refuse(400, "AuthorizationHeaderMalformed"), want: []string{"set --s3-region or AWS_REGION"}},
		"a clock that is off":  {breaks: refuse(403, "RequestTimeTooSkewed"), want: []string{"the clock"}},
		"what nobody foresees": {breaks: refuse(409, "OperationAborted"), want: []string{"(OperationAborted, 409)"}},
		"connections end":      {breaks: func(s *buckettest.Service) { s.Break(buckettest.Cut(buckettest.Any)) }, want: []string{"list s3://backups/prefix/ at https://127.0.0.1"}},
		"nothing answers":      {options: bucket.Options{Endpoint: "https://127.0.0.1:1"}, want: []string{"at https://127.0.0.1:1", "nothing answers there", "NetworkPolicies"}},
		"an unknown authority": {
			environment: map[string]string{"AWS_ENDPOINT_URL": "", "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": buckettest.Secret},
			want:        []string{"--s3-cafile or AWS_CA_BUNDLE"},
		},
		"no credentials": {
			environment: map[string]string{"AWS_ENDPOINT_URL": "", "AWS_CA_BUNDLE": "", "AWS_REGION": "us-east-1"},
			want:        []string{"no credentials found", "AWS_WEB_IDENTITY_TOKEN_FILE"},
		},
		"a role whose token is not there": {
			environment: map[string]string{"AWS_ENDPOINT_URL": "", "AWS_CA_BUNDLE": "", "AWS_WEB_IDENTITY_TOKEN_FILE": "/no/such/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/x"},
			want:        []string{"credentials: open /no/such/token"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			service := buckettest.Start(t)
			if c.breaks != nil {
				c.breaks(service)
			}
			if c.environment != nil {
				own := map[string]string{"AWS_ENDPOINT_URL": service.URL, "AWS_CA_BUNDLE": service.CAFile}
				for name, value := range c.environment {
					if value == "" {
						c.environment[name] = own[name]
					}
				}
				buckettest.Environment(t, c.environment)
			}
			if c.bucket == "" {
				c.bucket = buckettest.Bucket
			}
			opened, err := c.options.Open(c.bucket)
			if err != nil {
				t.Fatal(err)
			}
			_, err = opened.List(t.Context(), bucket.Location{Bucket: c.bucket, Key: "prefix"})
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), buckettest.Secret) {
				t.Errorf("a secret is in %q", err)
			}
		})
	}
}

func TestAServiceThatCannotBeMeantIsRefused(t *testing.T) {
	buckettest.Environment(t, nil)
	noPEM := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(noPEM, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]bucket.Options{
		"must be https://HOST":          {Endpoint: "minio.example.com"},
		"without a bucket":              {Endpoint: "https://minio.example.com/backups"},
		"without credentials":           {Endpoint: "https://a:" + buckettest.Secret + "@minio.example.com"},
		"must be auto, path or virtual": {Addressing: "dns"},
		"no such file":                  {CAFile: noPEM + "x"},
		"no certificate in it":          {CAFile: noPEM},
	} {
		if _, err := o.Open(buckettest.Bucket); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), buckettest.Secret) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// The role of a ServiceAccount, as on EKS, and as MinIO has it.
func TestTheTokenOfAServiceAccountIsExchangedForCredentials(t *testing.T) {
	service := buckettest.Start(t)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("the-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("WebIdentityToken") != "the-token" || r.FormValue("RoleArn") != "arn:aws:iam::1:role/backup" {
			http.Error(w, "who is that", http.StatusForbidden)
			return
		}
		_, _ = fmt.Fprint(w, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>x</SecretAccessKey><SessionToken>the-session</SessionToken><Expiration>2126-01-02T03:04:05Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`)
	}))
	defer sts.Close()
	buckettest.Environment(t, map[string]string{
		"AWS_ENDPOINT_URL": service.URL, "AWS_CA_BUNDLE": service.CAFile, "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL_STS": sts.URL,
		"AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ROLE_ARN": "arn:aws:iam::1:role/backup",
	})
	service.Break(buckettest.Refuse(403, "AccessDenied", func(r *http.Request) bool {
		return !strings.Contains(r.Header.Get("Authorization"), "Credential=ASIAROLE/") || r.Header.Get("X-Amz-Security-Token") != "the-session"
	}))
	if _, err := open(t).List(t.Context(), at("")); err != nil {
		t.Error(err)
	}
	// Another role is refused there, and nobody goes on without.
	t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/other")
	if _, err := open(t).List(t.Context(), at("")); err == nil || !strings.Contains(err.Error(), "credentials: ") {
		t.Errorf("the error is %v", err)
	}
}
