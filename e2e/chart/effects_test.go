package chart

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	webhookSpec  = "Deployment netmode-webhook.spec."
	webhookPod   = webhookSpec + "template.spec."
	certificates = "Deployment netmode-certificates.spec.template.spec."
	policies     = "Deployment netmode-policies.spec.template.spec."
)

// entries are the webhooks, each with a field.
func entries(field string) []string {
	var all []string
	for _, name := range []string{"asked", "namespace", "policy", "workloads"} {
		all = append(all, fmt.Sprintf("MutatingWebhookConfiguration netmode.webhooks[%s.mutate.netmode.io].%s", name, field))
	}
	return all
}

// pods are those of all Deployments, each with a field.
func pods(field string) []string {
	return []string{webhookPod + field, certificates + field, policies + field}
}

// images are all places of the image.
func images(image string) []string {
	return []string{
		webhookPod + "containers[webhook].image " + image, webhookPod + "containers[webhook].env[NETMODE_IMAGE].value " + image,
		certificates + "containers[certificates].image " + image, policies + "containers[policies].image " + image,
	}
}

// args are the webhook's, with some before and behind the usual ones.
func args(first, pullPolicy, last string) string {
	return webhookPod + `containers[webhook].args [` + first + `"--cert-dir=/etc/netmode/tls","--own-namespace=netmode-system","--shutdown-delay=15s","--drain-timeout=10s",` +
		`"--init-image=$(NETMODE_IMAGE)","--init-image-pull-policy=` + pullPolicy + `"` + last + `]`
}

func behind(last string) string { return args("", "IfNotPresent", last) }

func onHost(https, ops string) []string {
	ports := webhookPod + "containers[webhook].ports"
	return []string{
		webhookPod + "hostNetwork true", webhookPod + `dnsPolicy "ClusterFirstWithHostNet"`,
		webhookSpec + "strategy.rollingUpdate.maxSurge 0", webhookSpec + "strategy.rollingUpdate.maxUnavailable 1",
		args(`"--listen=:`+https+`","--ops-listen=:`+ops+`",`, "IfNotPresent", ""),
		ports + "[https].containerPort " + https, ports + "[https].hostPort " + https,
		ports + "[ops].containerPort " + ops, ports + "[ops].hostPort " + ops,
	}
}

func failurePolicies(policy string, entries ...string) []string {
	var lines []string
	for _, name := range entries {
		lines = append(lines, fmt.Sprintf("MutatingWebhookConfiguration netmode.webhooks[%s.mutate.netmode.io].failurePolicy %q", name, policy))
	}
	return lines
}

func tolerates(pod string) []string {
	return []string{pod + `tolerations[a].key "a"`, pod + `tolerations[a].operator "Exists"`}
}

func policyArgs(last string) string {
	return policies + `containers[policies].args ["policies","--own-namespace=netmode-system"` + last + `]`
}

// exempt are all places of the namespaces that are left alone.
func exempt(namespaces string) []string {
	const selected = "namespaceSelector.matchExpressions[kubernetes.io/metadata.name].values "
	all := entries(selected + namespaces)
	for _, name := range []string{"promises.pods", "promises.services", "updates.services"} {
		all = append(all, fmt.Sprintf("ValidatingAdmissionPolicy %s.netmode.io.spec.matchConstraints.%s%s", name, selected, namespaces))
	}
	return all
}

func withClientCA(content, last string) []string {
	return []string{
		"ConfigMap netmode-webhook-client-ca new",
		fmt.Sprintf("%stemplate.metadata.annotations.checksum/client-ca \"%x\"", webhookSpec, sha256.Sum256([]byte(content))),
		behind(`,"--client-ca-file=/etc/netmode/client-ca/ca.crt"` + last),
		webhookPod + `containers[webhook].volumeMounts[client-ca].mountPath "/etc/netmode/client-ca"`,
		webhookPod + `containers[webhook].volumeMounts[client-ca].name "client-ca"`,
		webhookPod + "containers[webhook].volumeMounts[client-ca].readOnly true",
		webhookPod + `volumes[client-ca].configMap.name "netmode-webhook-client-ca"`,
		webhookPod + `volumes[client-ca].name "client-ca"`,
	}
}

// Each row is a value, and all that it changes.
func TestEachValueHasAnEffect(t *testing.T) {
	const (
		quota        = "ResourceQuota netmode-critical-pods"
		affinity     = `{nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}]}}}`
		affinityLine = `affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms [{"matchExpressions":[{"key":"a","operator":"Exists"}]}]`
	)
	const clientCA = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
	digest := "sha256:" + strings.Repeat("0123456789abcdef", 4)
	c := load(t)
	var unbound []string
	for _, name := range []string{"promises.pods", "promises.services", "updates.services"} {
		label := "ValidatingAdmissionPolicyBinding " + name + ".netmode.io.spec.matchResources.namespaceSelector.matchExpressions[kubernetes.io/metadata.name]"
		unbound = append(unbound, label+`.key "kubernetes.io/metadata.name"`, label+`.operator "DoesNotExist"`)
	}
	standard := render(t, c, Release{}).Objects
	var covered []string
	for _, row := range []struct {
		path, values string
		want         []string
	}{
		{"image.repository", "image: {repository: 'registry:5000/netmode'}", images(`"registry:5000/netmode:devel"`)},
		{"image.tag", "image: {tag: v1.10}", images(`"ghcr.io/netmode-io/netmode:v1.10"`)},
		{"image.digest", "image: {digest: '" + digest + "'}", images(`"ghcr.io/netmode-io/netmode@` + digest + `"`)},
		{"image.digest", "image: {tag: v1, digest: '" + digest + "'}", images(`"ghcr.io/netmode-io/netmode:v1@` + digest + `"`)},
		{"image.pullPolicy", "image: {pullPolicy: Always}", []string{
			args("", "Always", ""), webhookPod + `containers[webhook].imagePullPolicy "Always"`,
			certificates + `containers[certificates].imagePullPolicy "Always"`, policies + `containers[policies].imagePullPolicy "Always"`,
		}},
		{"imagePullSecrets", "imagePullSecrets: [{name: registry}]", pods(`imagePullSecrets[registry].name "registry"`)},
		{"priorityClassName", "priorityClassName: system-node-critical", append(pods(`priorityClassName "system-node-critical"`),
			quota+`.spec.scopeSelector.matchExpressions [{"operator":"In","scopeName":"PriorityClass","values":["system-node-critical"]}]`)},
		{"priorityClassName", "priorityClassName: platform", append(pods(`priorityClassName "platform"`), quota+" gone")},
		{"priorityClassName", "priorityClassName: ''", append(pods("priorityClassName gone"), quota+" gone")},
		{"observeOnly", "observeOnly: true", slices.Concat(failurePolicies("Ignore", "asked", "namespace", "workloads"),
			[]string{behind(`,"--observe-only"`), policyArgs(`,"--observe-only"`)}, unbound)},
		{"excludedNamespaces", "excludedNamespaces: [storage, kube-system, '007']",
			append(exempt(`["kube-system","netmode-system","storage","007"]`), policyArgs(`,"--excluded-namespaces=storage,kube-system,007"`))},
		{"clusterDNS", "clusterDNS: [10.96.0.10, 'fd00::10']", []string{behind(`,"--cluster-dns=10.96.0.10,fd00::10"`)}},
		{"clusterDomain", "clusterDomain: cluster.example", []string{behind(`,"--cluster-domain=cluster.example"`)}},
		{"hostNetwork.enabled", "hostNetwork: {enabled: true}", onHost("10443", "10480")},
		{"hostNetwork.port", "hostNetwork: {enabled: true, port: 20443}", onHost("20443", "10480")},
		{"hostNetwork.opsPort", "hostNetwork: {enabled: true, opsPort: 20480}", onHost("10443", "20480")},

		{"webhook.replicas", "webhook: {replicas: 3}", []string{webhookSpec + "replicas 3"}},
		{"webhook.replicas", "webhook: {replicas: 1}", []string{webhookSpec + "replicas 1", "PodDisruptionBudget netmode-webhook gone"}},
		{"webhook.timeoutSeconds", "webhook: {timeoutSeconds: 10}", entries("timeoutSeconds 10")},
		{"webhook.clientCA", fmt.Sprintf("webhook: {clientCA: %q}", clientCA), withClientCA(clientCA, "")},
		{"webhook.clientName", fmt.Sprintf("webhook: {clientCA: %q, clientName: kube-apiserver}", clientCA), withClientCA(clientCA, `,"--client-name=kube-apiserver"`)},
		{"webhook.maxReviews", "webhook: {maxReviews: 20}", []string{behind(`,"--max-reviews=20"`)}},
		{"webhook.extraArgs", "webhook: {extraArgs: ['--log-level=debug', '--init-image-pull-secret=registry']}", []string{behind(`,"--log-level=debug","--init-image-pull-secret=registry"`)}},
		{"webhook.resources", "webhook: {resources: {requests: {cpu: 1}, limits: {memory: 1Gi}}}", []string{
			webhookPod + `containers[webhook].env[GOMEMLIMIT].value "896MiB"`, webhookPod + `containers[webhook].resources.limits.memory "1Gi"`,
			webhookPod + "containers[webhook].resources.requests.cpu 1",
		}},
		{"webhook.resources", "webhook: {resources: {limits: null}}", []string{
			webhookPod + "containers[webhook].env[GOMEMLIMIT].name gone", webhookPod + "containers[webhook].env[GOMEMLIMIT].value gone",
			webhookPod + "containers[webhook].resources.limits.memory gone",
		}},
		{"webhook.nodeSelector", "webhook: {nodeSelector: {disk: 'true'}}", []string{webhookPod + `nodeSelector.disk "true"`}},
		{"webhook.tolerations", "webhook: {tolerations: [{key: a, operator: Exists}]}", tolerates(webhookPod)},
		{"webhook.affinity", "webhook: {affinity: " + affinity + "}", []string{webhookPod + affinityLine}},
		{"webhook.topologySpreadConstraints", "webhook: {topologySpreadConstraints: [{topologyKey: zone, maxSkew: 1, whenUnsatisfiable: DoNotSchedule}]}", []string{
			webhookPod + `topologySpreadConstraints [{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule"}]`,
		}},
		{"webhook.topologySpreadConstraints", "webhook: {topologySpreadConstraints: []}", []string{webhookPod + "topologySpreadConstraints gone"}},

		{"certificates.issuer", "certificates: {issuer: cert-manager}", []string{
			"Certificate netmode-webhook-ca new", "Certificate netmode-webhook-tls new", "Issuer netmode-selfsigned new", "Issuer netmode-webhook-ca new",
			"ClusterRole netmode-certificates gone", "ClusterRoleBinding netmode-certificates gone", "Deployment netmode-certificates gone", "Role netmode-certificates gone",
			"RoleBinding netmode-certificates gone", "Secret netmode-webhook-tls gone", "Secret netmode-webhook-tls-ca gone", "Service netmode-certificates gone", "ServiceAccount netmode-certificates gone",
			`MutatingWebhookConfiguration netmode.metadata.annotations.cert-manager.io/inject-ca-from "netmode-system/netmode-webhook-tls"`,
		}},
		{"certificates.extraArgs", "certificates: {extraArgs: [--leaf-lifetime=240h]}", []string{certificates + `containers[certificates].args ` +
			`["certificates","--namespace=netmode-system","--secret=netmode-webhook-tls","--service=netmode-webhook","--webhook-configuration=netmode","--leaf-lifetime=240h"]`}},
		{"certificates.resources", "certificates: {resources: {limits: {memory: 1G}}}", []string{certificates + `containers[certificates].resources.limits.memory "1G"`}},
		{"certificates.nodeSelector", "certificates: {nodeSelector: {disk: ssd}}", []string{certificates + `nodeSelector.disk "ssd"`}},
		{"certificates.tolerations", "certificates: {tolerations: [{key: a, operator: Exists}]}", tolerates(certificates)},
		{"certificates.affinity", "certificates: {affinity: " + affinity + "}", []string{certificates + affinityLine}},

		{"policies.systemNamespaces", "policies: {systemNamespaces: [calico-system, csi]}", []string{
			behind(`,"--system-namespaces=calico-system,csi"`), policyArgs(`,"--system-namespaces=calico-system,csi"`),
		}},
		{"policies.extraArgs", "policies: {extraArgs: [--log-format=console]}", []string{policyArgs(`,"--log-format=console"`)}},
		{"policies.resources", "policies: {resources: {requests: {ephemeral-storage: 1Mi}}}", []string{policies + `containers[policies].resources.requests.ephemeral-storage "1Mi"`}},
		{"policies.nodeSelector", "policies: {nodeSelector: {disk: ssd}}", []string{policies + `nodeSelector.disk "ssd"`}},
		{"policies.tolerations", "policies: {tolerations: [{key: a, operator: Exists}]}", tolerates(policies)},
		{"policies.affinity", "policies: {affinity: " + affinity + "}", []string{policies + affinityLine}},

		{"crds.enabled", "crds: {enabled: false}", []string{"CustomResourceDefinition networkmodepolicies.policy.netmode.io gone"}},
		{"crds.keep", "crds: {keep: true}", []string{`CustomResourceDefinition networkmodepolicies.policy.netmode.io.metadata.annotations.helm.sh/resource-policy "keep"`}},
	} {
		covered = append(covered, row.path)
		t.Run(row.values, func(t *testing.T) {
			slices.Sort(row.want)
			if diff := cmp.Diff(row.want, difference(t, standard, render(t, c, Release{Values: row.values}).Objects)); diff != "" {
				t.Errorf("-want +have:\n%s", diff)
			}
		})
	}
	guarded := render(t, c, Release{Values: "networkPolicy: {enabled: true}"}).Objects
	if diff := cmp.Diff([]string{"NetworkPolicy netmode new", "NetworkPolicy netmode-webhook new"}, difference(t, standard, guarded)); diff != "" {
		t.Errorf("networkPolicy.enabled (-want +have):\n%s", diff)
	}
	covered = append(covered, "networkPolicy.enabled")
	for _, row := range networkPolicyRows() {
		covered = append(covered, row.path)
		slices.Sort(row.want)
		have := difference(t, guarded, render(t, c, Release{Values: "networkPolicy: {enabled: true, " + row.values + "}"}).Objects)
		if diff := cmp.Diff(row.want, have); diff != "" {
			t.Errorf("%s (-want +have):\n%s", row.values, diff)
		}
	}
	slices.Sort(covered)
	if diff := cmp.Diff(slices.Sorted(slices.Values(paths(t))), slices.Compact(covered)); diff != "" {
		t.Errorf("-values +rows:\n%s", diff)
	}
}

type networkPolicyRow struct {
	path, values string
	want         []string
}

func networkPolicyRows() []networkPolicyRow {
	const (
		egress  = "NetworkPolicy netmode.spec.egress "
		ingress = "NetworkPolicy netmode.spec.ingress "
		dns     = `{"ports":[{"port":53,"protocol":"UDP"},{"port":53,"protocol":"TCP"}],` +
			`"to":[{"namespaceSelector":{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"In","values":["kube-system"]}]}}]}`
		usual = `{"port":443,"protocol":"TCP"},{"port":6443,"protocol":"TCP"}`
		cidrs = `[{"ipBlock":{"cidr":"10.0.0.0/24"}},{"ipBlock":{"cidr":"fd00::/64"}}]`
	)
	return []networkPolicyRow{
		{"networkPolicy.apiServerCIDRs", "apiServerCIDRs: [10.0.0.0/24, 'fd00::/64']", []string{
			egress + `[{"ports":[` + usual + `],"to":` + cidrs + `},` + dns + `]`,
			`NetworkPolicy netmode-webhook.spec.ingress [{"from":` + cidrs + `,"ports":[{"port":8443,"protocol":"TCP"}]}]`,
		}},
		{"networkPolicy.apiServerPorts", "apiServerPorts: [8443]", []string{egress + `[{"ports":[{"port":8443,"protocol":"TCP"}]},` + dns + `]`}},
		{"networkPolicy.metricsNamespaces", "metricsNamespaces: [a, '007']", []string{ingress +
			`[{"from":[{"namespaceSelector":{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"In","values":["a","007"]}]}}],"ports":[{"port":8080,"protocol":"TCP"}]}]`}},
		{"networkPolicy.metricsNamespaces", "metricsNamespaces: []", []string{"NetworkPolicy netmode.spec.ingress gone"}},
	}
}
