package chart

import (
	"strings"
	"testing"

	v2 "helm.sh/helm/v4/pkg/chart/v2"
)

// What the schema refuses: where, and why.
func TestSchemaRefuses(t *testing.T) {
	c := load(t)
	for _, tt := range []struct{ values, want string }{
		{"{observeonly: true}", "at '': additional properties 'observeonly' not allowed"},
		{"image: {name: x}", "at '/image': additional properties 'name' not allowed"},
		{"webhook: {resources: {memory: 1Gi}}", "at '/webhook/resources': additional properties 'memory' not allowed"},
		{"webhook: {resources: {limits: {mem: 1Gi}}}", "at '/webhook/resources/limits': additional properties 'mem' not allowed"},
		{"webhook: {affinity: {nodeAfinity: {}}}", "at '/webhook/affinity': additional properties 'nodeAfinity' not allowed"},
		{"policies: {tolerations: [{key: a, operatr: Exists}]}", "at '/policies/tolerations/0': additional properties 'operatr' not allowed"},
		{"observeOnly: 'true'", "at '/observeOnly': got string, want boolean"},
		{"image: {tag: 1.10}", "at '/image/tag': got number, want string"},
		{"image: {tag: 'v1:2'}", "at '/image/tag': 'v1:2' does not match pattern"},
		{"image: {digest: 'sha256:12'}", "at '/image/digest': 'sha256:12' does not match pattern"},
		{"image: {repository: ''}", "at '/image/repository': '' does not match pattern"},
		{"image: {pullPolicy: always}", "at '/image/pullPolicy': value must be one of 'Always', 'IfNotPresent', 'Never'"},
		{"imagePullSecrets: [registry]", "at '/imagePullSecrets/0': got string, want object"},
		{"imagePullSecrets: [{}]", "at '/imagePullSecrets/0': missing property 'name'"},
		{"priorityClassName: null", "at '': missing property 'priorityClassName'"},
		{"priorityClassName: A", "at '/priorityClassName': 'A' does not match pattern"},
		{"excludedNamespaces: [a, a]", "at '/excludedNamespaces': items at 0 and 1 are equal"},
		{"excludedNamespaces: ['a*']", "at '/excludedNamespaces/0': 'a*' does not match pattern"},
		{"clusterDNS: kube-dns", "at '/clusterDNS': got string, want array"},
		{"clusterDNS: [kube-dns]", "at '/clusterDNS/0': 'kube-dns' is not valid ipv4"},
		{"clusterDNS: [1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4]", "at '/clusterDNS': maxItems: got 4, want 3"},
		{"clusterDomain: cluster_local", "at '/clusterDomain': 'cluster_local' does not match pattern"},
		{"hostNetwork: true", "at '/hostNetwork': got boolean, want object"},
		{"hostNetwork: {enabled: yes please}", "at '/hostNetwork/enabled': got string, want boolean"},
		{"hostNetwork: {port: 443}", "at '/hostNetwork/port': minimum: got 443, want 1,024"},
		{"hostNetwork: {opsPort: 65536}", "at '/hostNetwork/opsPort': maximum: got 65,536, want 65,535"},
		{"webhook: {replicas: 0}", "at '/webhook/replicas': minimum: got 0, want 1"},
		{"webhook: {replicas: 1.5}", "at '/webhook/replicas': got number, want integer"},
		{"webhook: {timeoutSeconds: 31}", "at '/webhook/timeoutSeconds': maximum: got 31, want 30"},
		{"webhook: {extraArgs: [--log-level, debug]}", "at '/webhook/extraArgs/1': 'debug' does not match pattern"},
		{"webhook: {extraArgs: --log-level=debug}", "at '/webhook/extraArgs': got string, want array"},
		{"webhook: {resources: {requests: {cpu: 5 %}}}", "at '/webhook/resources/requests/cpu': '5 %' does not match pattern"},
		{"webhook: {nodeSelector: {ssd: true}}", "at '/webhook/nodeSelector/ssd': got boolean, want string"},
		{"webhook: {topologySpreadConstraints: [{maxSkew: 1}]}", "at '/webhook/topologySpreadConstraints/0': missing properties 'topologyKey', 'whenUnsatisfiable'"},
		{"certificates: {issuer: certmanager}", "at '/certificates/issuer': value must be one of 'netmode', 'cert-manager'"},
		{"policies: {failurePolicy: Fail}", "at '/policies': additional properties 'failurePolicy' not allowed"},
		{"webhook: {clientCA: /etc/ca.crt}", "at '/webhook/clientCA': '/etc/ca.crt' does not match pattern"},
		{"webhook: {maxReviews: -1}", "at '/webhook/maxReviews': minimum: got -1, want 0"},
		{"networkPolicy: {apiServerCIDRs: [10.0.0.1]}", "at '/networkPolicy/apiServerCIDRs/0': '10.0.0.1' does not match pattern"},
		{"networkPolicy: {apiServerPorts: []}", "at '/networkPolicy/apiServerPorts': minItems: got 0, want 1"},
		{"networkPolicy: {metricsNamespaces: monitoring}", "at '/networkPolicy/metricsNamespaces': got string, want array"},
		{"policies: null", "at '': missing property 'policies'"},
		{"crds: {enabled: 1}", "at '/crds/enabled': got number, want boolean"},
	} {
		t.Run(tt.values, func(t *testing.T) { wantRefusal(t, c, Release{Values: tt.values}, tt.want) })
	}
}

// What the schema cannot say: the value, and the cure.
func TestTemplatesRefuse(t *testing.T) {
	c := load(t)
	const ownNamespace = "netmode changes nothing in its own namespace, so it needs one to itself: install with --namespace netmode-system --create-namespace"
	for _, tt := range []struct {
		release Release
		want    string
	}{
		{Release{Namespace: "default"}, `namespace "default": ` + ownNamespace},
		{Release{Namespace: "kube-system"}, `namespace "kube-system": ` + ownNamespace},
		{Release{Values: "image: {repository: 'localhost/netmode:v1'}"}, `image.repository "localhost/netmode:v1": holds a tag or a digest: set image.tag or image.digest`},
		{Release{Values: "image: {repository: 'r.io/netmode@sha256:12'}"}, `image.repository "r.io/netmode@sha256:12": holds a tag or a digest: set image.tag or image.digest`},
		{Release{Values: "hostNetwork: {opsPort: 10443}"}, "hostNetwork.opsPort 10443: is hostNetwork.port, too: choose another port"},
		{Release{Values: "webhook: {resources: {limits: {memory: 1G}}}"}, "webhook.resources.limits.memory 1G: Go's limit of memory is made of it: write whole Mi or Gi, such as 256Mi"},
		{Release{Values: "webhook: {resources: {limits: {memory: 0.5Gi}}}"}, "webhook.resources.limits.memory 0.5Gi: Go's limit of memory is made of it: write whole Mi or Gi, such as 256Mi"},
		{Release{Values: "webhook: {clientName: kube-apiserver}"}, `webhook.clientName "kube-apiserver": nobody's certificate is verified without webhook.clientCA: set both`},
		{Release{Values: "webhook: {extraArgs: [--max-reviews=9]}"}, `webhook.extraArgs "--max-reviews=9": set the value webhook.maxReviews`},
		{Release{Values: "webhook: {extraArgs: [--observe-only]}"}, `webhook.extraArgs "--observe-only": set the value observeOnly`},
		{Release{Values: "webhook: {extraArgs: [--cluster-dns=10.96.0.10]}"}, `webhook.extraArgs "--cluster-dns=10.96.0.10": set the value clusterDNS`},
		{Release{Values: "webhook: {extraArgs: [--own-namespace=x]}"}, `webhook.extraArgs "--own-namespace=x": the chart sets this flag, or depends on its default: leave it out`},
		{Release{Values: "webhook: {extraArgs: ['--listen=:9443']}"}, `webhook.extraArgs "--listen=:9443": the chart sets this flag, or depends on its default: leave it out`},
		{Release{Values: "certificates: {extraArgs: [--secret=x]}"}, `certificates.extraArgs "--secret=x": the chart sets this flag, or depends on its default: leave it out`},
		{Release{Values: "policies: {extraArgs: ['--ops-listen=:1']}"}, `policies.extraArgs "--ops-listen=:1": the chart sets this flag, or depends on its default: leave it out`},
		{Release{Namespace: "default", Values: "hostNetwork: {opsPort: 10443}"}, ownNamespace + "; hostNetwork.opsPort 10443: is hostNetwork.port, too: choose another port"},
	} {
		t.Run(tt.want, func(t *testing.T) { wantRefusal(t, c, tt.release, tt.want+"\n") })
	}
}

func wantRefusal(t *testing.T, c *v2.Chart, r Release, want string) {
	t.Helper()
	if _, err := Render(c, r); err == nil || !strings.Contains(err.Error()+"\n", want) {
		t.Errorf("have %v\nwant %s", err, want)
	}
}

// A copy in which a link became a file that holds its target.
func TestLostLink(t *testing.T) {
	lost := func(name string) *v2.Chart {
		c := load(t)
		for _, file := range c.Files {
			if file.Name == name {
				file.Data = []byte("../kustomize/base/" + name)
			}
		}
		return c
	}
	wantRefusal(t, lost("promises.yaml"), Release{}, "promises.yaml: no ValidatingAdmissionPolicy: it is a symbolic link, which this copy of the chart has lost: package the chart where links are kept, with helm package\n")
	c := lost("networkmodepolicies.yaml")
	wantRefusal(t, c, Release{}, "networkmodepolicies.yaml: no CustomResourceDefinition: it is a symbolic link, which this copy of the chart has lost: package the chart where links are kept, with helm package\n")
	if _, err := Render(c, Release{Values: "crds: {enabled: false}"}); err != nil {
		t.Error(err)
	}
}
