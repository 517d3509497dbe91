package cluster

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	kyaml "sigs.k8s.io/yaml"
)

func TestKindConfig(t *testing.T) {
	const own, published = "localhost/netmode/kind-node:v1.37.2-0123", "docker.io/kindest/node:v1.37.2"
	tests := map[string]struct {
		nodes  int
		image  string
		roles  []v1alpha4.NodeRole
		ours   bool
		driver string
	}{
		"one":       {1, own, []v1alpha4.NodeRole{"control-plane"}, true, "cgroupfs"},
		"two":       {2, own, []v1alpha4.NodeRole{"control-plane", "worker"}, true, "cgroupfs"},
		"published": {2, published, []v1alpha4.NodeRole{"control-plane", "worker"}, false, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := kindConfig("netmode", test.nodes, test.image)
			var roles []v1alpha4.NodeRole
			for _, node := range c.Nodes {
				roles = append(roles, node.Role)
				if node.Image != test.image {
					t.Errorf("%s: have image %s", node.Role, node.Image)
				}
			}
			if !slices.Equal(roles, test.roles) || c.Networking.DisableDefaultCNI != test.ours || c.Networking.KubeProxyMode != "nftables" {
				t.Errorf("have %+v", c)
			}
			merged := map[string]map[string]any{}
			for _, patch := range c.KubeadmConfigPatches {
				var p map[string]any
				if err := kyaml.UnmarshalStrict([]byte(patch), &p); err != nil {
					t.Fatalf("%v:\n%s", err, patch)
				}
				kind, _ := p["kind"].(string)
				if merged[kind] == nil {
					merged[kind] = map[string]any{}
				}
				maps.Copy(merged[kind], p)
			}
			kubelet := merged["KubeletConfiguration"]
			if driver, _ := kubelet["cgroupDriver"].(string); driver != test.driver || kubelet["failCgroupV1"] != false {
				t.Errorf("kubelet: have %v", kubelet)
			}
			if untainted := strings.Contains(strings.Join(c.KubeadmConfigPatches, ""), "taints: []"); untainted != (test.nodes > 1) {
				t.Errorf("%d nodes: the control plane is made without a taint: %t", test.nodes, untainted)
			}
		})
	}
}
