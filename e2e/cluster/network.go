package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/netmode-io/netmode/e2e/nodeimage"
)

// setUpNetwork joins the pods of all nodes: each node gives its pods addresses of its own
// range, and has a route to the other's range. It may be repeated; a restart of a node takes
// routes and rules away. An image of kind's does all this by itself.
//
// Pods see each other's addresses, and hostNetwork pods see those of pods: nothing inside the
// cluster is masqueraded, since two programs that remember each other's address are what
// netmode is for.
func (c *Cluster) setUpNetwork(ctx context.Context) error {
	if !nodeimage.IsOurs(c.Image) {
		return nil
	}
	for _, node := range c.Nodes {
		config, err := cniConfig(node.PodCIDR)
		if err != nil {
			return err
		}
		script := networkScript(node, c.Nodes, config)
		if _, err := c.engine.Exec(ctx, node.Name, strings.NewReader(script), "bash", "-eus"); err != nil {
			return fmt.Errorf("pod network of node %s: %w", node.Name, err)
		}
	}
	return nil
}

// cniConfig is the network configuration list of a node (CNI specification 1.0.0). The plugin
// ptp routes even between two pods of one node: a bridge would take the answer of a Service's
// pod past the node's address translation.
func cniConfig(podCIDR string) (string, error) {
	type object map[string]any
	config, err := json.Marshal(object{
		"cniVersion": "1.0.0",
		"name":       "netmode",
		"plugins": []object{
			{
				"type": "ptp",
				"ipam": object{
					"type":   "host-local",
					"ranges": [][]object{{{"subnet": podCIDR}}},
					"routes": []object{{"dst": "0.0.0.0/0"}},
				},
			},
			{"type": "portmap", "capabilities": object{"portMappings": true}},
		},
	})
	return string(config), err
}

// networkScript is what node runs: the configuration takes its name when it is whole, for
// containerd reads the folder at any time.
func networkScript(node Node, all []Node, config string) string {
	inside := []string{podSubnet}
	var routes strings.Builder
	for _, other := range all {
		inside = append(inside, other.Address)
		if other.Name != node.Name {
			fmt.Fprintf(&routes, "ip route replace %s via %s\n", other.PodCIDR, other.Address)
		}
	}
	return fmt.Sprintf(`sysctl -qw net.ipv4.ip_forward=1
%snft -f - <<'end'
table ip netmode
delete table ip netmode
table ip netmode {
	chain postrouting {
		type nat hook postrouting priority srcnat
		ip saddr %s ip daddr != { %s } masquerade
	}
}
end
cat > /etc/cni/net.d/.netmode <<'end'
%s
end
mv /etc/cni/net.d/.netmode /etc/cni/net.d/10-netmode.conflist
`, routes.String(), podSubnet, strings.Join(inside, ", "), config)
}
