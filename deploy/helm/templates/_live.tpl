{{/* Whether an object of the cluster is of this release: (list . OBJECT), "" for no. */}}
{{- define "netmode.isOurs" -}}
{{- $release := (index . 0).Release }}
{{- $annotations := dig "metadata" "annotations" dict (index . 1) }}
{{- if and (eq (get $annotations "meta.helm.sh/release-name") $release.Name) (eq (get $annotations "meta.helm.sh/release-namespace") $release.Namespace) }}yes{{ end }}
{{- end }}
