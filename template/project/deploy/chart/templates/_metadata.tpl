{{- /*
Gives an object what the values say about "*", its kind, and its kind and name in deploy/base, in this order; a CronJob's
Jobs, what they say about Jobs. In place: (list ROOT OBJECT).
*/ -}}
{{- define "metadata.apply" -}}
{{- $root := index . 0 -}}
{{- $object := index . 1 -}}
{{- $name := include "metadata.baseName" . -}}
{{- $given := $root.Values.objectMetadata | default dict -}}
{{- range $key := list "*" $object.kind (printf "%s/%s" $object.kind $name) -}}
{{- include "metadata.set" (list $object (get $given $key)) -}}
{{- end -}}
{{- if eq $object.kind "CronJob" -}}
{{- range $key := list "Job" (printf "Job/%s" $name) -}}
{{- include "metadata.set" (list $object.spec.jobTemplate (get $given $key)) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* The name of an object in deploy/base: without the release, a copy's mark, and an immutable ConfigMap's hash. */ -}}
{{- define "metadata.baseName" -}}
{{- $root := index . 0 -}}
{{- $object := index . 1 -}}
{{- $name := $object.metadata.name | replace (include "app.mainName" $root) $root.Chart.Name -}}
{{- $name = regexReplaceAll (printf "^%s-before(-|$)" $root.Chart.Name) $name (printf "%s$1" $root.Chart.Name) -}}
{{- if $object.immutable }}{{ $name = regexReplaceAll "-[2456789bcdfghkmt]{10}$" $name "" }}{{ end -}}
{{- $name -}}
{{- end }}

{{- define "metadata.set" -}}
{{- $owner := index . 0 -}}
{{- $metadata := $owner.metadata | default dict -}}
{{- range $field, $pairs := index . 1 | default dict -}}
{{- $_ := set $metadata $field (merge dict $pairs (get $metadata $field | default dict)) -}}
{{- $_ := set $owner "metadata" $metadata -}}
{{- end -}}
{{- end }}
