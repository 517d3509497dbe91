{{/* Of every object: (list . COMPONENT), "" for none. Selectors use the first two only. */}}
{{- define "netmode.labels" -}}
{{- $component := index . 1 }}
{{- with index . 0 -}}
app.kubernetes.io/name: netmode
{{- with $component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "_" | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}
{{- end }}
{{- end }}
