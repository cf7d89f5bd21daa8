{{/* Names are fixed and not made from the release's: a cluster has one APIService v1alpha1.dittofs.io, so one release. */}}

{{- define "dittofs-apiserver.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* Members of the etcd of this chart, one on each line. */}}
{{- define "dittofs-apiserver.etcd.members" -}}
{{- range until (int .Values.etcd.members) }}
dittofs-etcd-{{ . }}.dittofs-etcd.{{ $.Release.Namespace }}.svc
{{- end }}
{{- end }}

{{/* The client URLs of the external store, one on each line. */}}
{{- define "dittofs-apiserver.etcd.servers" -}}
{{- if .Values.store.external.servers }}
{{- join "\n" .Values.store.external.servers }}
{{- else if .Values.etcd.enabled }}
{{- range (include "dittofs-apiserver.etcd.members" . | trim | splitList "\n") }}
https://{{ . }}:2379
{{- end }}
{{- else }}
{{- fail "store.type external needs store.external.servers, or etcd.enabled" }}
{{- end }}
{{- end }}
