{{- /*
A workload's pod template. A field that the workload gives replaces the default's whole field;
only `env` and `envFrom` are added to, behind the pod's identity and configuration.
*/ -}}
{{- define "app.podTemplate" -}}
metadata:
  labels:
    {{- include "app.podLabels" . | nindent 4 }}
  annotations:
    checksum/config: {{ .root.Values.config | default dict | toJson | sha256sum }}
spec:
  serviceAccountName: {{ include "app.serviceAccountName" .root | quote }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  securityContext:
    {{- include "app.podSecurityContext" .root | nindent 4 }}
  containers:
    - {{- include "app.container" . | nindent 6 }}
  topologySpreadConstraints:
    {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      matchLabelKeys: [pod-template-hash]
      labelSelector:
        matchLabels:
          {{- include "app.selectorLabels" $ | nindent 10 }}
    {{- end }}
  volumes:
    - name: tmp
      emptyDir:
        sizeLimit: 128Mi
{{- end }}

{{- define "app.container" -}}
{{- $container := .workload.container -}}
name: {{ .root.Chart.Name | quote }}
image: {{ include "app.image" .root | quote }}
envFrom:
  - configMapRef:
      name: {{ include "app.configName" .root | quote }}
  {{- with $container.envFrom }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
env:
  - name: POD_NAME
    valueFrom:
      fieldRef:
        fieldPath: metadata.name
  - name: POD_NAMESPACE
    valueFrom:
      fieldRef:
        fieldPath: metadata.namespace
  - name: NODE_NAME
    valueFrom:
      fieldRef:
        fieldPath: spec.nodeName
  {{- with $container.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- if and .workload.service (not (hasKey $container "lifecycle")) }}
lifecycle:
  preStop:
    sleep:
      seconds: 5
{{- end }}
{{- if not (hasKey $container "terminationMessagePolicy") }}
terminationMessagePolicy: FallbackToLogsOnError
{{- end }}
{{- if not (hasKey $container "securityContext") }}
securityContext:
  {{- include "app.containerSecurityContext" .root | nindent 2 }}
{{- end }}
{{- if not (hasKey $container "volumeMounts") }}
volumeMounts:
  - name: tmp
    mountPath: /tmp
{{- end }}
{{ omit $container "env" "envFrom" | toYaml }}
{{- end }}

{{- /* Both profiles pass the Pod Security Standard "restricted"; "platform" leaves the user to the platform. */ -}}
{{- define "app.podSecurityContext" -}}
runAsNonRoot: true
{{- if eq .Values.securityProfile "restricted" }}
runAsUser: 10001
runAsGroup: 10001
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "app.containerSecurityContext" -}}
allowPrivilegeEscalation: false
capabilities:
  drop:
    - ALL
readOnlyRootFilesystem: true
{{- end }}
