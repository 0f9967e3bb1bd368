{{- /* Objects of a text in YAML, as a list in JSON. `source` is said where it is none. */ -}}
{{- define "own.documents" -}}
{{- $source := .source -}}
{{- $found := list -}}
{{- range regexSplit "(?m)^---.*$" .text -1 -}}
{{- $object := fromYaml . -}}
{{- if or (hasKey $object "Error") (and $object (not (and $object.kind (dig "metadata" "name" "" $object)))) -}}
{{- fail (printf "%s: has no kind and name, or is no YAML: write whole objects, and patches as parts of them" $source) -}}
{{- end -}}
{{- if $object }}{{ $found = append $found $object }}{{ end -}}
{{- end -}}
{{- toJson $found -}}
{{- end }}

{{- /* A file beside a kustomization, which has to be there. */ -}}
{{- define "own.file" -}}
{{- $text := .root.Files.Get (printf "%s/%s" .folder .name) -}}
{{- if not $text }}{{ fail (printf "%s/%s: is not in the chart: write it, or take it out of the kustomization" .folder .name) }}{{ end -}}
{{- $text -}}
{{- end }}

{{- /* What entries of a list go by, as in Kustomize: by the kind of the object and the field of the list. */ -}}
{{- define "own.keys" -}}
{{- if eq . "Service" -}}
ports: port
{{- else if eq . "ServiceAccount" -}}
imagePullSecrets: name
secrets: name
{{- else if has . (list "Deployment" "StatefulSet" "DaemonSet" "Job" "CronJob" "Pod") -}}
containers: name
env: name
hostAliases: ip
imagePullSecrets: name
initContainers: name
ports: containerPort
volumeDevices: devicePath
volumeMounts: mountPath
volumes: name
{{- end -}}
{{- end }}

{{- /* Merges a patch into an object, in place: (list OBJECT PATCH KEYS). Null takes a field away, as `$patch: delete` does. */ -}}
{{- define "own.merge" -}}
{{- $object := index . 0 -}}
{{- $keys := index . 2 -}}
{{- range $field, $value := omit (index . 1) "$patch" -}}
{{- if eq $field "topologySpreadConstraints" -}}
{{- fail "own: topologySpreadConstraints are not patched, because Kustomize leaves out what it cannot match: answer topology_spread_constraints" -}}
{{- end -}}
{{- $there := get $object $field -}}
{{- $how := "" -}}
{{- if kindIs "map" $value }}{{ $how = get $value "$patch" }}{{ end -}}
{{- if or (kindIs "invalid" $value) (eq $how "delete") -}}
{{- $_ := unset $object $field -}}
{{- else if and (kindIs "map" $value) (kindIs "map" $there) (ne $how "replace") -}}
{{- include "own.merge" (list $there $value $keys) -}}
{{- else if and (hasKey $keys $field) (kindIs "slice" $value) -}}
{{- include "own.mergeList" (list $object $field $value (get $keys $field) $keys) -}}
{{- else if kindIs "map" $value -}}
{{- $new := dict -}}
{{- include "own.merge" (list $new $value $keys) -}}
{{- $_ := set $object $field $new -}}
{{- else -}}
{{- $_ := set $object $field $value -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* The entries of the patch come first, in its order: (list OBJECT FIELD ENTRIES KEY KEYS). */ -}}
{{- define "own.mergeList" -}}
{{- $key := index . 3 -}}
{{- $keys := index . 4 -}}
{{- $there := get (index . 0) (index . 1) | default list -}}
{{- $first := list -}}
{{- range $entry := index . 2 -}}
{{- $rest := list -}}
{{- $merged := dict -}}
{{- range $other := $there -}}
{{- if eq (get $entry $key | toString) (get $other $key | toString) }}{{ $merged = $other }}{{ else }}{{ $rest = append $rest $other }}{{ end -}}
{{- end -}}
{{- $there = $rest -}}
{{- if ne (get $entry "$patch") "delete" -}}
{{- include "own.merge" (list $merged $entry $keys) -}}
{{- $first = append $first $merged -}}
{{- end -}}
{{- end -}}
{{- $_ := set (index . 0) (index . 1) (concat $first $there) -}}
{{- end }}

{{- /* Puts a manifest into the release's namespace, with the labels that all objects share: (list ROOT OBJECT). */ -}}
{{- define "own.settle" -}}
{{- $root := index . 0 -}}
{{- $object := index . 1 -}}
{{- $ours := dict "app.kubernetes.io/part-of" $root.Chart.Name "app.kubernetes.io/managed-by" $root.Release.Service -}}
{{- $_ := set $object.metadata "labels" (merge $ours ($root.Values.labels | default dict) ($object.metadata.labels | default dict)) -}}
{{- range $object.subjects }}
{{- if and (eq .kind "ServiceAccount") (or (not .namespace) (eq .name "default")) }}{{ $_ := set . "namespace" $root.Release.Namespace }}{{ end -}}
{{- end -}}
{{- if not (has $object.kind (list "ClusterRole" "ClusterRoleBinding")) }}{{ $_ := set $object.metadata "namespace" $root.Release.Namespace }}{{ end -}}
{{- end }}
