package cluster

import (
	"testing"
)

func TestNetworkScript(t *testing.T) {
	nodes := []Node{
		{Name: "c", Address: "10.89.0.2", PodCIDR: "10.244.0.0/24"},
		{Name: "w", Address: "10.89.0.3", PodCIDR: "10.244.1.0/24"},
	}
	const want = `sysctl -qw net.ipv4.ip_forward=1
ip route replace 10.244.0.0/24 via 10.89.0.2
nft -f - <<'end'
table ip netmode
delete table ip netmode
table ip netmode {
	chain postrouting {
		type nat hook postrouting priority srcnat
		ip saddr 10.244.0.0/16 ip daddr != { 10.244.0.0/16, 10.89.0.2, 10.89.0.3 } masquerade
	}
}
end
cat > /etc/cni/net.d/.netmode <<'end'
{}
end
mv /etc/cni/net.d/.netmode /etc/cni/net.d/10-netmode.conflist
`
	if got := networkScript(nodes[1], nodes, "{}"); got != want {
		t.Errorf("have\n%s\nwant\n%s", got, want)
	}
}

func TestCNIConfig(t *testing.T) {
	const want = `{"cniVersion":"1.0.0","name":"netmode","plugins":[` +
		`{"ipam":{"ranges":[[{"subnet":"10.244.1.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}],"type":"host-local"},"type":"ptp"},` +
		`{"capabilities":{"portMappings":true},"type":"portmap"}]}`
	if got, err := cniConfig("10.244.1.0/24"); err != nil || got != want {
		t.Errorf("have %s, %v\nwant %s", got, err, want)
	}
}
