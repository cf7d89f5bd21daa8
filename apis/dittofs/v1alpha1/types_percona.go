// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// PerconaSpec puts the database of dfs into PostgreSQL run by the Percona
// operator, which must be installed. Unless existingClusterRef is set, a
// PerconaPGCluster NAME-postgres is made, and kept when the DittoServer is
// deleted (deletionPolicy.database).
type PerconaSpec struct {
	// enabled uses PostgreSQL by Percona. It wins over database.type. Once the
	// server has been set up it cannot be changed. Default false.
	// +optional
	// +k8s:optional
	Enabled bool `json:"enabled,omitempty"`

	// existingClusterRef uses a PerconaPGCluster that is already there, in the
	// same namespace. It is read, never changed: replicas, sizes, images and
	// backups below are then refused.
	// +optional
	// +k8s:optional
	ExistingClusterRef *PerconaClusterReference `json:"existingClusterRef,omitempty"`

	// databaseName is the database in the cluster. It cannot be changed later.
	// Default dittofs.
	// +optional
	// +default="dittofs"
	// +k8s:optional
	// +k8s:maxLength=63
	DatabaseName string `json:"databaseName,omitempty"`

	// userName is the database user, whose password the Percona operator keeps
	// in the Secret CLUSTER-pguser-USER. It cannot be changed later.
	// Default dittofs.
	// +optional
	// +default="dittofs"
	// +k8s:optional
	// +k8s:maxLength=63
	UserName string `json:"userName,omitempty"`

	// caSecretRef names the key with the CA that signs the certificate of
	// PostgreSQL. Default: the key ca.crt of the Secret CLUSTER-cluster-cert,
	// which the Percona operator makes.
	// +optional
	// +k8s:optional
	CASecretRef *SecretKeyReference `json:"caSecretRef,omitempty"`

	// replicas is the number of PostgreSQL instances, 1 to 5. Default 1.
	// +optional
	// +k8s:optional
	// +k8s:minimum=1
	// +k8s:maximum=5
	Replicas *int32 `json:"replicas,omitempty"`

	// storageSize is the size of the volume of each instance. It may grow,
	// never shrink. Default 10Gi.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	StorageSize *resource.Quantity `json:"storageSize,omitempty"`

	// storageClassName is the StorageClass of the instances. It cannot be
	// changed later. Default: the cluster's default class.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=253
	StorageClassName *string `json:"storageClassName,omitempty"`

	// resources are the compute resources of each instance. Default: none.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// postgresVersion is the major version of PostgreSQL, 14 to 18, and that of
	// images.postgres. It cannot be changed here: the Percona operator has
	// upgrades of its own. Default 18, when the cluster is made.
	// +optional
	// +k8s:optional
	// +k8s:minimum=14
	// +k8s:maximum=18
	PostgresVersion *int32 `json:"postgresVersion,omitempty"`

	// crVersion is the version of the Percona operator whose behaviour the
	// cluster follows, as X.Y.Z. A change restarts PostgreSQL. Default 3.0.0,
	// when the cluster is made; left out, it is left alone after that.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=32
	CRVersion string `json:"crVersion,omitempty"`

	// images of the cluster. The Percona operator has no defaults of its own.
	// +optional
	Images PerconaImages `json:"images,omitempty"`

	// pgBouncer puts a connection pool beside PostgreSQL. dfs connects to
	// PostgreSQL itself; the pool is for others. Default: none.
	// +optional
	// +k8s:optional
	PgBouncer *PgBouncerSpec `json:"pgBouncer,omitempty"`

	// backup to an S3 bucket. Default: none; the only copy is then on the
	// volumes of the instances.
	// +optional
	// +k8s:optional
	Backup *PerconaBackupSpec `json:"backup,omitempty"`

	// readyTimeout is how long the cluster may take to become ready before
	// DatabaseReady says that it does not, a Go duration of 1m to 24h. The wait
	// goes on. Default 10m.
	// +optional
	// +default="10m"
	// +k8s:optional
	ReadyTimeout string `json:"readyTimeout,omitempty"`

	// deleteWithServer is deletionPolicy.database: Delete, under the name that
	// manifests of the DittoFS operator have. Default false.
	// +optional
	// +k8s:optional
	DeleteWithServer bool `json:"deleteWithServer,omitempty"`
}

// PerconaClusterReference names a PerconaPGCluster in the namespace of the DittoServer.
type PerconaClusterReference struct {
	// name of the PerconaPGCluster.
	// +required
	// +k8s:required
	// +k8s:format=k8s-long-name
	Name string `json:"name"`
}

// PerconaImages are the images of a PerconaPGCluster. The defaults are taken
// when the cluster is made, for postgresVersion 18 only; an image that is left
// out is left alone after that.
type PerconaImages struct {
	// postgres is the image of PostgreSQL, of the major version postgresVersion.
	// Default percona/percona-distribution-postgresql:18.3-2.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=1024
	Postgres string `json:"postgres,omitempty"`

	// pgBouncer is the image of the connection pool, needed with pgBouncer or a
	// crVersion before 2.9.0. Default percona/percona-pgbouncer:1.25.1-1.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=1024
	PgBouncer string `json:"pgBouncer,omitempty"`

	// pgBackRest is the image of the backup tool. The Percona operator asks for
	// it without backups too. Default percona/percona-pgbackrest:2.58.0-1.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=1024
	PgBackRest string `json:"pgBackRest,omitempty"`

	// init is the image of the init container. Default: that of the Percona
	// operator; set it if the operator runs from a registry with a port or by
	// digest.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=1024
	Init string `json:"init,omitempty"`
}

// PgBouncerSpec shapes the connection pool.
type PgBouncerSpec struct {
	// replicas of the pool, 1 to 10. Default 1.
	// +optional
	// +default=1
	// +k8s:optional
	// +k8s:minimum=1
	// +k8s:maximum=10
	Replicas *int32 `json:"replicas,omitempty"`

	// resources of each replica. Default: none.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
}

// PerconaBackupSpec backs PostgreSQL up to S3 with pgBackRest.
type PerconaBackupSpec struct {
	// enabled makes backups. Default false.
	// +optional
	// +k8s:optional
	Enabled bool `json:"enabled,omitempty"`

	// bucket to write to; needed when enabled.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=255
	Bucket string `json:"bucket,omitempty"`

	// endpoint is the host of the S3 service, with a port if wanted; needed when
	// enabled. It must serve HTTPS. Example: s3.eu-west-1.amazonaws.com.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=2048
	Endpoint string `json:"endpoint,omitempty"`

	// region of the bucket. Default eu-west-1.
	// +optional
	// +default="eu-west-1"
	// +k8s:optional
	Region string `json:"region,omitempty"`

	// credentialsSecretRef names the Secret with a pgBackRest configuration,
	// under a key that ends in .conf, with repo1-s3-key and repo1-s3-key-secret
	// in its section [global].
	// +optional
	// +k8s:optional
	CredentialsSecretRef *LocalSecretReference `json:"credentialsSecretRef,omitempty"`

	// path in the bucket. Two clusters must never share one: each would destroy
	// the other's backups. It cannot be changed while backups are enabled.
	// Default /pgbackrest/NAMESPACE/NAME/repo1.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=1024
	Path string `json:"path,omitempty"`

	// fullSchedule is when full backups start, in cron form with five fields,
	// in UTC. Default "0 2 * * *".
	// +optional
	// +default="0 2 * * *"
	// +k8s:optional
	FullSchedule string `json:"fullSchedule,omitempty"`

	// incrSchedule is when incremental backups start, in cron form with five
	// fields, in UTC. Default "0 * * * *".
	// +optional
	// +default="0 * * * *"
	// +k8s:optional
	IncrSchedule string `json:"incrSchedule,omitempty"`

	// retentionDays is how long full backups are kept, in days, 1 to 9999999.
	// Default 7.
	// +optional
	// +default=7
	// +k8s:optional
	// +k8s:minimum=1
	// +k8s:maximum=9999999
	RetentionDays *int32 `json:"retentionDays,omitempty"`
}
