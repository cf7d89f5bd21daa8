// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Labels and annotations that the project writes or reads. They are part of the
// API: a change of a value is a change of behaviour for users.
const (
	// LabelManagedBy has the value ManagedBy on every object that the controllers made.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// ManagedBy is the value of LabelManagedBy.
	ManagedBy = "dittofs-apiserver"
	// LabelServer is the name of the DittoServer that an object belongs to.
	LabelServer = "dittofs.io/server"
	// LabelServerUID is the UID of the DittoServer that last applied an object.
	// It is never on a pod or a claim: after the loss of our store it changes.
	LabelServerUID = "dittofs.io/server-uid"

	// LabelApp and LabelInstance select the pods, with the names and values that
	// the DittoFS operator uses, so that its running servers can be adopted.
	LabelApp = "app"
	// AppName is the value of LabelApp.
	AppName = "dittofs-server"
	// LabelInstance is the name of the DittoServer, on pods and claims.
	LabelInstance = "instance"

	// AnnotationConfigHash is on the pod template: it changes exactly when
	// something changes that dfs reads at its start.
	AnnotationConfigHash = "dittofs.io/config-hash"
	// AnnotationNamespaceUID is on a DittoServer: the UID of the namespace that it
	// was created in. It is set at create and cannot be changed.
	AnnotationNamespaceUID = "dittofs.io/namespace-uid"
	// AnnotationDeletionPropagation is on a deleted DittoServer: Orphan,
	// Background or Foreground, as the request asked. Users cannot set it.
	AnnotationDeletionPropagation = "dittofs.io/deletion-propagation"
	// AnnotationAcceptEmptyDatabase on a DittoServer allows a change of its
	// database: the server starts with an empty one.
	AnnotationAcceptEmptyDatabase = "dittofs.io/accept-empty-database"

	// AnnotationRollout on a DittoServer with the value RolloutNow carries out
	// what spec.rollout: OnRequest, or a new release of ours, holds back. The
	// controller takes the annotation away once the change is on its way.
	AnnotationRollout = "dittofs.io/rollout"
	// RolloutNow is the value of AnnotationRollout.
	RolloutNow = "now"
	// AnnotationAdopt on a DittoServer with the value true takes over the objects
	// of a server that the DittoFS operator set up under the same name.
	AnnotationAdopt = "dittofs.io/adopt"

	// QuotaStorage is the name in a ResourceQuota of the sum of the claims of all
	// DittoServers of a namespace, those of the PostgreSQL clusters that are made
	// for them included. Example: dittofs.io/storage: 500Gi.
	QuotaStorage = "dittofs.io/storage"
	// AnnotationDefaultClass on a DittoServerClass with the value true makes it the
	// class of servers that name none; of several, the newest counts.
	AnnotationDefaultClass = "dittofs.io/is-default-class"
	// VerbUse on a DittoServerClass allows to create servers of the class.
	VerbUse = "use"
	// VerbOverride on a DittoServerClass allows to go beyond its limits and to
	// change the fields that it reserves.
	VerbOverride = "override"

	// Finalizer keeps a deleted DittoServer until its parts are removed.
	Finalizer = "dittofs.io/teardown"

	// FieldManager owns, by server-side apply, the fields that the controllers
	// mean in the objects of the host cluster.
	FieldManager = "dittofs-controller"
)

// Types of the conditions of a DittoServer.
const (
	// ConditionReady is True when everything that the spec asks for works.
	ConditionReady = "Ready"
	// ConditionProgressing is True while a change is on its way to the pod.
	ConditionProgressing = "Progressing"
	// ConditionDegraded is True when something that worked, or should, does not.
	ConditionDegraded = "Degraded"
	// ConditionStorageReady is True when every claim is bound and as large as asked for.
	ConditionStorageReady = "StorageReady"
	// ConditionConfigReady is True when the configuration and every Secret it needs are in place.
	ConditionConfigReady = "ConfigReady"
	// ConditionDatabaseReady is True when dfs reaches its database.
	ConditionDatabaseReady = "DatabaseReady"
	// ConditionAvailable is True when the pod is ready.
	ConditionAvailable = "Available"
	// ConditionAuthenticated is True when the dfs API accepts the controller's tokens.
	ConditionAuthenticated = "Authenticated"
	// ConditionClassConformant is True when the class of the server allows the
	// server as it is; there is none without a class.
	ConditionClassConformant = "ClassConformant"
	// ConditionCertificatesValid is True when the certificates that the spec leads
	// to are valid; there is none without certificates.
	ConditionCertificatesValid = "CertificatesValid"
	// ConditionAdaptersReady is True when every enabled protocol adapter serves.
	ConditionAdaptersReady = "AdaptersReady"
)

// MaxNameLength is the longest name of a DittoServer: the longest name derived
// from it is that of the Service NAME-adapter-nfs-udp, a DNS label of at most 63.
const MaxNameLength = 63 - len("-adapter-nfs-udp")
