package mode_test

import (
	"fmt"
	"strings"
)

func hostNetworkPodPorts() []podRow {
	mismatch := func(path string, host, container int) string {
		return fmt.Sprintf("refused HostPortMismatch spec.%s.hostPort: Invalid value: %d: differs from containerPort %d: set hostPort to the containerPort, or leave hostPort out",
			path, host, container)
	}
	conflict := func(path, protocol string, port int, other string) string {
		return fmt.Sprintf("refused HostPortConflict spec.%s.containerPort: Invalid value: %d: %s port %d is taken by spec.%s: give one of them another port",
			path, port, protocol, port, other)
	}
	hostConflict := func(path, protocol string, port int, other string) string {
		return strings.Replace(conflict(path, protocol, port, other), ".containerPort: ", ".hostPort: ", 1)
	}
	containers := func(init, ports string) string {
		return `{"dnsPolicy":"ClusterFirst","initContainers":` + init + `,"containers":` + ports + `}`
	}
	// two is a pod whose two containers have one port each.
	two := func(a, b string) string {
		return containers(`null`, `[{"name":"a","ports":[`+a+`]},{"name":"b","ports":[`+b+`]}]`)
	}
	rows := []podRow{
		{line: "hostPort equal to containerPort is accepted", spec: containers(`[]`, `[{"name":"a","ports":[{"hostPort":80,"containerPort":80}]}]`)},
		{line: "hostPort 0 is none", spec: containers(`[]`, `[{"name":"a","ports":[{"hostPort":0,"containerPort":80}]}]`)},
		{line: "a container's hostPort that differs is refused",
			spec: containers(`[]`, `[{"name":"a","ports":[{"containerPort":443},{"hostPort":8081,"containerPort":8080}]}]`),
			want: []string{mismatch("containers[0].ports[1]", 8081, 8080)}},
		{line: "a restartable init container's is refused",
			spec: containers(`[{"name":"i"},{"name":"s","restartPolicy":"Always","ports":[{"hostPort":15,"containerPort":16}]}]`, `[{"name":"a"}]`),
			want: []string{mismatch("initContainers[1].ports[0]", 15, 16)}},
		{line: "a plain init container's is accepted",
			spec: containers(`[{"name":"i","ports":[{"hostPort":15,"containerPort":16}]},{"name":"j","restartPolicy":"Never","ports":[{"hostPort":15,"containerPort":17}]}]`,
				`[{"name":"a","ports":[{"containerPort":80}]}]`)},
		{line: "one port in two containers is refused", spec: two(`{"containerPort":80}`, `{"containerPort":80}`),
			want: []string{conflict("containers[1].ports[0]", "TCP", 80, "containers[0].ports[0]")}},
		{line: "one port twice in one container is refused",
			spec: containers(`[]`, `[{"name":"a","ports":[{"name":"x","containerPort":80},{"name":"y","containerPort":80}]}]`),
			want: []string{conflict("containers[0].ports[1]", "TCP", 80, "containers[0].ports[0]")}},
		{line: "a third use of a port is refused as the second is",
			spec: containers(`[]`, `[{"name":"a","ports":[{"containerPort":80},{"containerPort":80},{"containerPort":80}]}]`),
			want: []string{conflict("containers[0].ports[1]", "TCP", 80, "containers[0].ports[0]"), conflict("containers[0].ports[2]", "TCP", 80, "containers[0].ports[0]")}},
		{line: "a restartable init container and a container on one port are refused",
			spec: containers(`[{"name":"s","restartPolicy":"Always","ports":[{"containerPort":80}]}]`, `[{"name":"a","ports":[{"containerPort":80}]}]`),
			want: []string{conflict("containers[0].ports[0]", "TCP", 80, "initContainers[0].ports[0]")}},
		{line: "two restartable init containers on one port are refused",
			spec: containers(`[{"name":"s","restartPolicy":"Always","ports":[{"containerPort":80}]},{"name":"t","restartPolicy":"Always","ports":[{"containerPort":80}]}]`, `[{"name":"a"}]`),
			want: []string{conflict("initContainers[1].ports[0]", "TCP", 80, "initContainers[0].ports[0]")}},
		{line: "a plain init container shares its port with whoever comes after it",
			spec: containers(`[{"name":"i","ports":[{"containerPort":80}]},{"name":"s","restartPolicy":"Always"}]`, `[{"name":"a","ports":[{"containerPort":80}]}]`)},
		{line: "a plain init container that declares one port twice is refused, twice for three",
			spec: containers(`[{"name":"i","ports":[{"containerPort":80},{"containerPort":81},{"containerPort":80,"protocol":"TCP"},{"hostPort":80,"containerPort":82}]}]`, `[{"name":"a","ports":[{"containerPort":8080}]}]`),
			want: []string{conflict("initContainers[0].ports[2]", "TCP", 80, "initContainers[0].ports[0]"), hostConflict("initContainers[0].ports[3]", "TCP", 80, "initContainers[0].ports[0]")}},
		{line: "each plain init container by itself",
			spec: containers(`[{"name":"i","ports":[{"containerPort":80}]},{"name":"j","ports":[{"containerPort":81},{"containerPort":80},{"containerPort":80}]}]`, `[{"name":"a","ports":[{"containerPort":8080}]}]`),
			want: []string{conflict("initContainers[1].ports[2]", "TCP", 80, "initContainers[1].ports[1]")}},
		{line: "a plain init container may have it on another hostIP, however that is written, or by another protocol",
			spec: containers(`[{"name":"i","ports":[{"containerPort":80},{"containerPort":80,"hostIP":"0.0.0.0"},{"containerPort":80,"hostIP":"fd00::1"},{"containerPort":80,"hostIP":"fd00:0::1"},`+
				`{"containerPort":80,"protocol":"UDP"},{"hostPort":81,"containerPort":80}]}]`, `[{"name":"a","ports":[{"containerPort":80}]}]`)},
		{line: "but not on the same",
			spec: containers(`[{"name":"i","ports":[{"containerPort":80,"hostIP":"fd00::1"},{"hostPort":80,"containerPort":90,"hostIP":"fd00::1"}]}]`, `[{"name":"a","ports":[{"containerPort":8080}]}]`),
			want: []string{hostConflict("initContainers[0].ports[1]", "TCP", 80, "initContainers[0].ports[0]")}},
		{line: "no protocol is TCP", spec: two(`{"containerPort":80}`, `{"containerPort":80,"protocol":"TCP"}`),
			want: []string{conflict("containers[1].ports[0]", "TCP", 80, "containers[0].ports[0]")}},
		{line: "the message says which protocol", spec: two(`{"containerPort":53,"protocol":"UDP"}`, `{"containerPort":53,"protocol":"UDP"}`),
			want: []string{conflict("containers[1].ports[0]", "UDP", 53, "containers[0].ports[0]")}},
		{line: "TCP and UDP do not meet", spec: two(`{"containerPort":53}`, `{"containerPort":53,"protocol":"UDP"}`)},
		{line: "different ports do not meet", spec: two(`{"containerPort":80}`, `{"containerPort":81}`)},
		{line: "a mismatch and a conflict are both named",
			spec: two(`{"containerPort":80}`, `{"hostPort":8080,"containerPort":80}`),
			want: []string{mismatch("containers[1].ports[0]", 8080, 80), conflict("containers[1].ports[0]", "TCP", 80, "containers[0].ports[0]")}},
	}
	for _, ip := range []struct {
		a, b    string
		overlap bool
	}{
		{"", "", true},
		{"", "10.0.0.1", true},
		{"10.0.0.1", "", true},
		{"0.0.0.0", "10.0.0.1", true},
		{"10.0.0.1", "0.0.0.0", true},
		{"::", "fd00::1", true},
		{"fd00::1", "::", true},
		{"0.0.0.0", "::", true},
		{"::ffff:0.0.0.0", "10.0.0.1", true},
		{"10.0.0.1", "10.0.0.1", true},
		{"fd00::1", "fd00:0:0:0:0:0:0:1", true},
		{"fd00::A", "fd00::a", true},
		{"::ffff:10.0.0.1", "10.0.0.1", true},
		{"10.0.0.1", "10.0.0.2", false},
		{"fd00::1", "fd00::2", false},
		{"10.0.0.1", "fd00::1", false},
		{"not an address", "nor is this", false},
		{"not an address", "10.0.0.1", false},
	} {
		row := podRow{
			line: fmt.Sprintf("hostIP %q and %q", ip.a, ip.b),
			spec: two(fmt.Sprintf(`{"containerPort":80,"hostIP":%q}`, ip.a), fmt.Sprintf(`{"containerPort":80,"hostIP":%q}`, ip.b)),
		}
		if ip.overlap {
			row.want = []string{conflict("containers[1].ports[0]", "TCP", 80, "containers[0].ports[0]")}
		}
		rows = append(rows, row)
	}
	for i := range rows {
		if len(rows[i].want) == 0 {
			rows[i].patch = hostNetworkPatch
		}
		rows[i].want = refusedHostNetwork(rows[i].want...)
	}
	return rows
}
