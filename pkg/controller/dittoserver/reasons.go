// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

// Reasons of conditions and events. They are stable: users match on them.
const (
	// ConfigReady
	reasonConfigApplied      = "ConfigApplied"
	reasonFieldRewritten     = "FieldRewritten"
	reasonInvalidSpec        = "InvalidSpec"
	reasonNameConflict       = "NameConflict"
	reasonApplyRefused       = "ApplyRefused"
	reasonApplyFailed        = "ApplyFailed"
	reasonKindTerminating    = "KindTerminating"
	reasonCredentialsRefused = "CredentialsRefused"
	reasonSecretNotFound     = "SecretNotFound"
	reasonSecretKeyMissing   = "SecretKeyMissing"
	reasonSecretTooShort     = "SecretTooShort"
	reasonSecretTooLong      = "SecretTooLong"
	reasonSecretUnreadable   = "SecretUnreadable"

	// the identity of the server; ConfigReady, DatabaseReady, StorageReady
	reasonDatabaseIdentityChanged = "DatabaseIdentityChanged"
	reasonVolumeReplaced          = "VolumeReplaced"

	// the adoption of a server of the DittoFS operator; Ready
	reasonAdoptionBlocked  = "AdoptionBlocked"
	reasonDatabaseMismatch = "DatabaseMismatch"

	// the PerconaPGCluster; DatabaseReady
	reasonPerconaNotInstalled      = "PerconaNotInstalled"
	reasonPerconaClusterNotFound   = "PerconaClusterNotFound"
	reasonPerconaClusterDeleting   = "PerconaClusterDeleting"
	reasonPerconaClusterNotReady   = "PerconaClusterNotReady"
	reasonPerconaClusterTimeout    = "PerconaClusterTimeout"
	reasonPerconaUserNotFound      = "PerconaUserNotFound"
	reasonPerconaCANotFound        = "PerconaCANotFound"
	reasonPerconaSchemaNotWritable = "PerconaSchemaNotWritable"
	reasonWaitingForDatabase       = "WaitingForDatabase" // ConfigReady, Progressing

	// StorageReady
	reasonVolumesBound         = "VolumesBound"
	reasonVolumesEphemeral     = "VolumesEphemeral"
	reasonVolumePending        = "VolumePending"
	reasonVolumeLost           = "VolumeLost"
	reasonStorageClassNotFound = "StorageClassNotFound"
	reasonContentNotOnVolume   = "ContentNotOnVolume"
	reasonExpansionFailed      = "ExpansionFailed"
	reasonExpansionStuck       = "ExpansionStuck"
	reasonLocalStoreSizeLow    = "LocalStoreSizeLow"

	// ClassConformant
	reasonWithinClass      = "WithinClass"
	reasonDiffersFromClass = "DiffersFromClass"
	reasonClassNotFound    = "ClassNotFound"

	// CertificatesValid
	reasonCertificatesValid      = "CertificatesValid"
	reasonCertificateExpiresSoon = "CertificateExpiresSoon"
	reasonCertificateExpired     = "CertificateExpired"
	reasonCertificateNotYetValid = "CertificateNotYetValid"

	// Degraded
	reasonNothingFailed       = "NothingFailed"
	reasonLoadBalancerPending = "LoadBalancerPending"

	// Ready
	reasonIdentityProviderNotApplied = "IdentityProviderNotApplied"
	reasonSnapshotPolicyRefused      = "SnapshotPolicyRefused"
	reasonSnapshotPolicyPending      = "SnapshotPolicyPending"

	// the namespace
	reasonNamespaceMissing     = "NamespaceMissing"
	reasonNamespaceReplaced    = "NamespaceReplaced"
	reasonNamespaceTerminating = "NamespaceTerminating"
	reasonNamespaceUnknown     = "NamespaceUnknown"

	// Ready, Progressing
	reasonHostUnavailable = "HostUnavailable"

	// Available, Progressing
	reasonPodReady           = "PodReady"
	reasonPodStarting        = "PodStarting"
	reasonPodUnschedulable   = "PodUnschedulable"
	reasonPodTerminating     = "PodTerminating"
	reasonPodMissing         = "PodMissing"
	reasonImageUnavailable   = "ImageUnavailable"
	reasonContainerBlocked   = "ContainerBlocked"
	reasonCrashLooping       = "CrashLooping"
	reasonNotCreated         = "NotCreated"
	reasonCreating           = "Creating"
	reasonBlocked            = "Blocked"
	reasonStopping           = "Stopping"
	reasonStopped            = "Stopped"
	reasonRollingOut         = "RollingOut"
	reasonRolloutPending     = "RolloutPending"
	reasonPaused             = "Paused"
	reasonWaitingForPod      = "WaitingForPod"
	reasonResizingVolumes    = "ResizingVolumes"
	reasonExpansionRefused   = "ExpansionRefused"
	reasonUpToDate           = "UpToDate"
	reasonWaitingForBalancer = "WaitingForLoadBalancer"
	reasonDeleting           = "Deleting"
	reasonServerReady        = "ServerReady"
	reasonCreated            = "Created"
	reasonChanged            = "ConfigChanged"
	reasonRemoved            = "Removed"
	reasonGeneratedAnew      = "CredentialsGeneratedAnew"
	reasonDFSProbeOff        = "DFSProbeOff"
	reasonAskingDFS          = "AskingDFS"
	reasonDFSUnreachable     = "DFSUnreachable"
	reasonDatabaseReachable  = "DatabaseReachable"
	reasonDatabaseUnreached  = "DatabaseUnreachable"
	reasonTokenAccepted      = "TokenAccepted"
	reasonJWTSecretMismatch  = "JWTSecretMismatch"
	reasonRestartPending     = "RestartPending"
	reasonClockSkew          = "ClockSkew"
	reasonTokenUnsigned      = "TokenUnsigned"
	reasonAdaptersServing    = "AdaptersServing"
	reasonNoAdapterEnabled   = "NoAdapterEnabled"
	reasonAdapterNotServing  = "AdapterNotServing"
)

// failed are the reasons that no waiting cures: the phase is Failed and a person is needed.
var failed = map[string]bool{
	reasonInvalidSpec:        true,
	reasonNameConflict:       true,
	reasonApplyRefused:       true,
	reasonCredentialsRefused: true,
	reasonSecretNotFound:     true,
	reasonSecretKeyMissing:   true,
	reasonSecretTooShort:     true,
	reasonSecretTooLong:      true,
	reasonSecretUnreadable:   true,
	reasonNamespaceMissing:   true,
	reasonNamespaceReplaced:  true,
	reasonNamespaceUnknown:   true,
	reasonExpansionRefused:   true,
	reasonJWTSecretMismatch:  true,
	reasonClockSkew:          true,

	reasonDatabaseIdentityChanged: true,
	reasonVolumeReplaced:          true,
	reasonVolumeLost:              true,
	reasonStorageClassNotFound:    true,
	reasonContentNotOnVolume:      true,
	reasonExpansionFailed:         true,
	reasonSnapshotPolicyRefused:   true,

	reasonAdoptionBlocked:  true,
	reasonDatabaseMismatch: true,

	reasonCertificateExpired: true,

	reasonPerconaNotInstalled:    true,
	reasonPerconaClusterNotFound: true,
	reasonPerconaUserNotFound:    true,
	reasonPerconaCANotFound:      true,
}

// warned are the reasons that are worth a Warning event when a condition takes them. A pod without a node is not among
// them: the scheduler says it on the pod, and for a moment it is so while claims are being bound.
var warned = map[string]bool{
	reasonFieldRewritten:    true,
	reasonApplyFailed:       true,
	reasonHostUnavailable:   true,
	reasonDFSUnreachable:    true,
	reasonDatabaseUnreached: true,
	reasonAdapterNotServing: true,
	reasonCrashLooping:      true,
	reasonImageUnavailable:  true,
	reasonContainerBlocked:  true,

	reasonIdentityProviderNotApplied: true,
	reasonLoadBalancerPending:        true,
	reasonExpansionStuck:             true,
	reasonLocalStoreSizeLow:          true,

	reasonCertificateExpiresSoon: true,
	reasonCertificateNotYetValid: true,

	reasonPerconaClusterDeleting:   true,
	reasonPerconaClusterTimeout:    true,
	reasonPerconaSchemaNotWritable: true,
}

func isWarning(reason string) bool { return failed[reason] || warned[reason] }
