{{/* What pods of both kinds of store have in common. */}}

{{- define "dittofs-apiserver.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "dittofs-apiserver.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "dittofs-apiserver.podMetadata" -}}
labels:
  {{- with .Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  app.kubernetes.io/name: dittofs-apiserver
{{- with .Values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "dittofs-apiserver.pulling" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "dittofs-apiserver.placement" -}}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "dittofs-apiserver.certificateArgs" -}}
{{- if .Values.certificates.selfManaged }}
- --authority-secret=dittofs-apiserver-authority
{{- else }}
{{- $_ := required "certificates.selfManaged false needs certificates.secretName" .Values.certificates.secretName }}
- --tls-cert-file=/etc/dittofs-apiserver/serving/tls.crt
- --tls-private-key-file=/etc/dittofs-apiserver/serving/tls.key
{{- end }}
{{- end }}

{{/* Of the container, everything behind its arguments. */}}
{{- define "dittofs-apiserver.container" -}}
{{- with .Values.extraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - name: https
    containerPort: 10250
    protocol: TCP
# An etcd that was killed reads its log again: two minutes are plenty.
startupProbe:
  httpGet: {path: /readyz, port: https, scheme: HTTPS}
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /livez, port: https, scheme: HTTPS}
  periodSeconds: 10
  timeoutSeconds: 15
  failureThreshold: 6
# Red takes the APIService down for everybody: it must mean that reads fail.
readinessProbe:
  httpGet: {path: /readyz, port: https, scheme: HTTPS}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 3
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  {{- include "dittofs-apiserver.securityContext" . | nindent 2 }}
{{- end }}

{{- define "dittofs-apiserver.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
{{- if not .Values.certificates.selfManaged }}
- name: serving
  mountPath: /etc/dittofs-apiserver/serving
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "dittofs-apiserver.volumes" -}}
- name: tmp
  emptyDir: {}
{{- if not .Values.certificates.selfManaged }}
- name: serving
  secret:
    secretName: {{ .Values.certificates.secretName }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
