{{- /* The name of the release's objects: "main" is called after the release, the others add their own name. */ -}}
{{- define "app.fullname" -}}
{{- $base := .root.Release.Name -}}
{{- if not (contains .root.Chart.Name $base) }}{{ $base = printf "%s-%s" $base .root.Chart.Name }}{{ end -}}
{{- if ne .key "main" }}{{ $base = printf "%s-%s" $base .key }}{{ end -}}
{{- $base | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{- define "app.selectorLabels" -}}
app.kubernetes.io/name: {{ (eq .key "main" | ternary .root.Chart.Name (printf "%s-%s" .root.Chart.Name .key)) | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
{{- end }}

{{- define "app.podLabels" -}}
{{ include "app.selectorLabels" . }}
app.kubernetes.io/part-of: {{ .root.Chart.Name | quote }}
{{- with .root.Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "app.labels" -}}
{{ include "app.podLabels" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service | quote }}
{{- end }}

{{- /* name, namespace and labels of one workload's object. */ -}}
{{- define "app.metadata" -}}
name: {{ include "app.fullname" . | quote }}
namespace: {{ .root.Release.Namespace | quote }}
labels:
  {{- include "app.labels" . | nindent 2 }}
{{- end }}

{{- define "app.serviceAccountName" -}}
{{ include "app.fullname" (dict "root" . "key" "main") }}
{{- end }}

{{- define "app.configName" -}}
{{ include "app.fullname" (dict "root" . "key" "main") }}
{{- end }}

{{- define "app.image" -}}
{{- .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end -}}
{{- end }}

{{- /* "true" where an autoscaler owns the replicas: values-ENV.yaml may hold bounds that are left from earlier. */ -}}
{{- define "app.autoscaled" -}}
{{- if hasKey (.autoscaling | default dict) "targetCPUUtilizationPercentage" }}true{{ end -}}
{{- end }}

{{- define "app.containerName" -}}
{{- eq .key "main" | ternary .root.Chart.Name .key -}}
{{- end }}

{{- /* The pod's ports that the Service leads to: the application's, or a proxy's. Who may scrape is said by the values. */ -}}
{{- define "app.servedPorts" -}}
{{- $containers := append (.initContainers | default list) .container }}
{{- range $index, $served := .service.ports }}
{{- range $container := $containers }}
{{- range $container.ports }}
{{- if and (eq .name $served.targetPort) (or (ne .name "metrics") (eq $index 0)) }}
- port: {{ .containerPort }}
  protocol: {{ .protocol | default "TCP" }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* An immutable ConfigMap is replaced by one of another name, in the letters that Kustomize uses for every one. */ -}}
{{- define "app.configFilesName" -}}
{{- $hash := toJson .set | sha256sum | trunc 10 -}}
{{- range $from, $to := dict "0" "g" "1" "h" "3" "k" "a" "m" "e" "t" }}{{ $hash = $hash | replace $from $to }}{{ end -}}
{{- printf "%s-%s" (include "app.configName" .root) .name -}}
{{- if .set.immutable }}-{{ $hash }}{{ end -}}
{{- end }}
