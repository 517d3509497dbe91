package cluster

import (
	"strings"

	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"github.com/netmode-io/netmode/e2e/nodeimage"
)

// podSubnet holds the pods of all nodes.
const podSubnet = "10.244.0.0/16"

// kindConfig is the configuration that kind makes the cluster from.
func kindConfig(name string, nodes int, image string) *v1alpha4.Cluster {
	c := &v1alpha4.Cluster{
		TypeMeta: v1alpha4.TypeMeta{Kind: "Cluster", APIVersion: "kind.x-k8s.io/v1alpha4"},
		Name:     name,
		Nodes:    []v1alpha4.Node{{Role: v1alpha4.ControlPlaneRole, Image: image}},
		Networking: v1alpha4.Networking{
			PodSubnet:     podSubnet,
			KubeProxyMode: v1alpha4.NFTablesProxyMode,
			// An image of kind's brings a pod network; ours gets one from setUpNetwork.
			DisableDefaultCNI: nodeimage.IsOurs(image),
		},
		KubeadmConfigPatches: []string{
			// The cluster lives for hours: a lost write costs nothing, a slow disk does.
			yaml("kind: ClusterConfiguration", "etcd:", "  local:", "    extraArgs:",
				"    - name: unsafe-no-fsync", `      value: "true"`),
			yaml("kind: KubeletConfiguration", "failCgroupV1: false"),
		},
	}
	for len(c.Nodes) < nodes {
		c.Nodes = append(c.Nodes, v1alpha4.Node{Role: v1alpha4.WorkerRole, Image: image})
	}
	if nodes > 1 {
		// Tests across nodes need pods on the control plane too. From the only node kind removes the
		// taint, and fails if there is none.
		c.KubeadmConfigPatches = append(c.KubeadmConfigPatches, yaml("kind: InitConfiguration", "nodeRegistration:", "  taints: []"))
	}
	if nodeimage.IsOurs(image) {
		// As containerd's SystemdCgroup = false in our node image.
		c.KubeadmConfigPatches = append(c.KubeadmConfigPatches, yaml("kind: KubeletConfiguration", "cgroupDriver: cgroupfs"))
	}
	return c
}

func yaml(lines ...string) string { return strings.Join(lines, "\n") + "\n" }
