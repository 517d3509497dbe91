{{- define "netmode.image" -}}
{{- $tag := .Values.image.tag }}
{{- if not .Values.image.digest }}{{ $tag = default .Chart.AppVersion $tag }}{{ end }}
{{- .Values.image.repository }}{{ with $tag }}:{{ . }}{{ end }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* What of a pod's spec values change: (list . SECTION), webhook, certificates or policies. */}}
{{- define "netmode.scheduling" -}}
{{- $section := index . 1 }}
{{- with index . 0 }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with index .Values $section }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Go's limit of memory: 7/8 of a container's, in whole Mi or Gi; "" for any other. */}}
{{- define "netmode.memoryLimit" -}}
{{- $limit := toString . }}
{{- if regexMatch "^[1-9][0-9]*[MG]i$" $limit }}
{{- $mebibytes := regexFind "^[0-9]+" $limit | int64 }}
{{- if hasSuffix "Gi" $limit }}{{ $mebibytes = mul $mebibytes 1024 }}{{ end }}
{{- div (mul $mebibytes 7) 8 }}MiB
{{- end }}
{{- end }}
