{{- /*
A workload's pod template. A field that the workload gives replaces the default's whole field; volumes, environment
variables and mounts are merged by the key by which Kubernetes merges them.
*/ -}}
{{- define "app.podTemplate" -}}
metadata:
  labels:
    {{- include "app.podLabels" . | nindent 4 }}
    {{- with .workload.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    checksum/config: {{ list .root.Values.config .root.Values.configFiles | toJson | sha256sum }}
    {{- with .workload.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- $pod := .workload.pod | default dict }}
  serviceAccountName: {{ include "app.serviceAccountName" .root | quote }}
  {{- range $field, $value := dict "automountServiceAccountToken" false "enableServiceLinks" false }}
  {{- if not (hasKey $pod $field) }}
  {{ $field }}: {{ $value }}
  {{- end }}
  {{- end }}
  {{- if not (hasKey $pod "securityContext") }}
  securityContext:
    {{- include "app.podSecurityContext" .root | nindent 4 }}
  {{- end }}
  {{- with .workload.initContainers }}
  initContainers:
    {{- range . }}
    - {{- include "app.container" (merge (dict "container" . "name" .name) $) | nindent 6 }}
    {{- end }}
  {{- end }}
  containers:
    - {{- include "app.container" (merge (dict "container" .workload.container "name" (include "app.containerName" .) "main" true) .) | nindent 6 }}
  {{- if and (has .workload.kind (list "Deployment" "StatefulSet")) (not (hasKey $pod "topologySpreadConstraints")) }}
  topologySpreadConstraints:
    {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      {{- if eq $.workload.kind "Deployment" }}
      matchLabelKeys: [pod-template-hash]
      {{- end }}
      labelSelector:
        matchLabels:
          {{- include "app.selectorLabels" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  {{- $volumes := list (dict "name" "tmp" "emptyDir" (dict "sizeLimit" "128Mi")) }}
  {{- if not .workload.container.image }}
  {{- range $name, $set := .root.Values.configFiles }}
  {{- $source := dict "name" (include "app.configFilesName" (dict "root" $.root "name" $name "set" $set)) }}
  {{- $volumes = append $volumes (dict "name" $name "configMap" $source) }}
  {{- end }}
  {{- end }}
  volumes:
    {{- include "app.byKey" (dict "key" "name" "defaults" $volumes "given" $pod.volumes) | nindent 4 }}
  {{- $given := omit $pod "volumes" }}
  {{- if not $pod.topologySpreadConstraints }}{{ $given = omit $given "topologySpreadConstraints" }}{{ end }}
  {{- with $given }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- /* A container that runs the application's image gets its configuration, its identity and a writable /tmp. */ -}}
{{- define "app.container" -}}
{{- $own := or (not .container.image) .main -}}
{{- $identity := list -}}
{{- $mounts := list -}}
{{- $config := list -}}
{{- if $own -}}
{{- $paths := list (list "POD_NAME" "metadata.name") (list "POD_NAMESPACE" "metadata.namespace") (list "NODE_NAME" "spec.nodeName") -}}
{{- if .workload.job }}{{ $paths = append $paths (list "JOB_NAME" "metadata.labels['batch.kubernetes.io/job-name']") }}{{ end -}}
{{- range $paths -}}
{{- $identity = append $identity (dict "name" (first .) "valueFrom" (dict "fieldRef" (dict "fieldPath" (last .)))) -}}
{{- end -}}
{{- with .workload.job }}{{ if eq (.completionMode | default "") "Indexed" }}{{ $identity = append $identity (dict "name" "COMPLETIONS" "value" (toString .completions)) }}{{ end }}{{ end -}}
{{- if eq .workload.kind "StatefulSet" -}}
{{- $identity = append $identity (dict "name" "PEERS_SERVICE" "value" (printf "%s-headless" (include "app.fullname" .))) -}}
{{- if not (include "app.autoscaled" .workload) }}{{ $identity = append $identity (dict "name" "REPLICAS" "value" (toString .workload.replicas)) }}{{ end -}}
{{- end -}}
{{- $mounts = list (dict "name" "tmp" "mountPath" "/tmp") -}}
{{- if not .container.image -}}
{{- range $name, $set := .root.Values.configFiles -}}
{{- $mounts = append $mounts (merge (dict "name" $name "readOnly" true) (pick $set "mountPath" "subPath")) -}}
{{- end -}}
{{- end -}}
{{- $config = list (dict "configMapRef" (dict "name" (include "app.configName" .root))) -}}
{{- end -}}
name: {{ .name | quote }}
image: {{ .container.image | default (include "app.image" .root) | quote }}
{{- with concat $config (.container.envFrom | default list) }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "app.byKey" (dict "key" "name" "defaults" $identity "given" .container.env) }}
env:
  {{- . | nindent 2 }}
{{- end }}
{{- if and .main .workload.service (not (hasKey .container "lifecycle")) }}
lifecycle:
  preStop:
    sleep:
      seconds: 5
{{- end }}
{{- if not (hasKey .container "terminationMessagePolicy") }}
terminationMessagePolicy: FallbackToLogsOnError
{{- end }}
{{- if not (hasKey .container "securityContext") }}
securityContext:
  {{- include "app.containerSecurityContext" .root | nindent 2 }}
{{- end }}
{{- with include "app.byKey" (dict "key" "mountPath" "defaults" $mounts "given" .container.volumeMounts) }}
volumeMounts:
  {{- . | nindent 2 }}
{{- end }}
{{- with omit .container "name" "image" "env" "envFrom" "volumeMounts" }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Two lists, in which an entry that is given takes the place of the default with the same key. */ -}}
{{- define "app.byKey" -}}
{{- $given := .given | default list -}}
{{- $merged := list -}}
{{- range $entry := .defaults -}}
{{- $replaced := false -}}
{{- range $given }}{{ if eq (get . $.key) (get $entry $.key) }}{{ $replaced = true }}{{ end }}{{ end -}}
{{- if not $replaced }}{{ $merged = append $merged $entry }}{{ end -}}
{{- end -}}
{{- with concat $merged $given }}{{ toYaml . }}{{ end -}}
{{- end }}

{{- /* Both profiles pass the Pod Security Standard "restricted"; "platform" leaves the user to the platform. */ -}}
{{- define "app.podSecurityContext" -}}
runAsNonRoot: true
{{- if eq .Values.securityProfile "restricted" }}
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
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
