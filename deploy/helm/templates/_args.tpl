{{/* The flags that the chart sets, each a list in YAML. extraArgs come after them. */}}
{{- define "netmode.webhook.args" -}}
{{- $args := list }}
{{- if .Values.hostNetwork.enabled }}
{{- $args = list (printf "--listen=:%d" (int .Values.hostNetwork.port)) (printf "--ops-listen=:%d" (int .Values.hostNetwork.opsPort)) }}
{{- end }}
{{- $args = concat $args (list
  "--cert-dir=/etc/netmode/tls"
  (printf "--own-namespace=%s" .Release.Namespace)
  "--shutdown-delay=15s"
  "--drain-timeout=10s"
  "--init-image=$(NETMODE_IMAGE)"
  (printf "--init-image-pull-policy=%s" .Values.image.pullPolicy)) }}
{{- with .Values.clusterDNS }}
{{- $args = append $args (printf "--cluster-dns=%s" (join "," .)) }}
{{- end }}
{{- with .Values.clusterDomain }}
{{- $args = append $args (printf "--cluster-domain=%s" .) }}
{{- end }}
{{- with .Values.policies.systemNamespaces }}
{{- $args = append $args (printf "--system-namespaces=%s" (join "," .)) }}
{{- end }}
{{- if .Values.webhook.clientCA }}
{{- $args = append $args "--client-ca-file=/etc/netmode/client-ca/ca.crt" }}
{{- end }}
{{- with .Values.webhook.clientName }}
{{- $args = append $args (printf "--client-name=%s" .) }}
{{- end }}
{{- with .Values.webhook.maxReviews }}
{{- $args = append $args (printf "--max-reviews=%d" (int .)) }}
{{- end }}
{{- if .Values.observeOnly }}
{{- $args = append $args "--observe-only" }}
{{- end }}
{{- toYaml $args }}
{{- end }}

{{- define "netmode.certificates.args" -}}
{{- toYaml (list
  "certificates"
  (printf "--namespace=%s" .Release.Namespace)
  "--secret=netmode-webhook-tls"
  "--service=netmode-webhook"
  "--webhook-configuration=netmode") }}
{{- end }}

{{- define "netmode.policies.args" -}}
{{- $args := list "policies" (printf "--own-namespace=%s" .Release.Namespace) }}
{{- with .Values.excludedNamespaces }}
{{- $args = append $args (printf "--excluded-namespaces=%s" (join "," .)) }}
{{- end }}
{{- with .Values.policies.systemNamespaces }}
{{- $args = append $args (printf "--system-namespaces=%s" (join "," .)) }}
{{- end }}
{{- if .Values.observeOnly }}
{{- $args = append $args "--observe-only" }}
{{- end }}
{{- toYaml $args }}
{{- end }}
