package mode_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
)

const (
	clusterIPNone  = "changed ClusterIPNoneSet spec.clusterIP"
	publishSet     = "changed PublishNotReadySet spec.publishNotReadyAddresses"
	publishKept    = "kept PublishNotReadyKept spec.publishNotReadyAddresses"
	noSelector     = "warned ServiceWithoutSelector spec.selector: the Service has none, so no pod gets a name from it: add a selector that matches the pods"
	externalIPs    = "warned ExternalIPsIgnored spec.externalIPs: they do nothing in a headless Service: remove externalIPs"
	clientIP       = "warned SessionAffinityIgnored spec.sessionAffinity: ClientIP does nothing in a headless Service: remove sessionAffinity"
	selected       = `"selector":{"app":"nimbus"}`
	setClusterIP   = `{"op":"add","path":"/spec/clusterIP","value":"None"}`
	replaceIP      = `{"op":"replace","path":"/spec/clusterIP","value":"None"}`
	setPublish     = `{"op":"add","path":"/spec/publishNotReadyAddresses","value":true}`
	publishToTrue  = `{"op":"replace","path":"/spec/publishNotReadyAddresses","value":true}`
	publishToFalse = `{"op":"replace","path":"/spec/publishNotReadyAddresses","value":false}`
)

func TestHeadlessService(t *testing.T) {
	runServiceRows(t, api.ModeHeadless, headlessServices())
}

func TestStatefulSetHeadlessService(t *testing.T) {
	runServiceRows(t, api.ModeStatefulSetHeadless, statefulSetHeadlessServices())
}

func headlessServices() []serviceRow {
	rows := bothHeadlessServices()
	rows = append(rows, publishing([]publishCase{
		{annotation: "", published: "", patch: `[` + setClusterIP + `]`},
		{annotation: "", published: "false", patch: `[` + setClusterIP + `]`},
		{annotation: "", published: "true", patch: `[` + setClusterIP + `]`},
		{annotation: "true", published: "", patch: `[` + setClusterIP + `,` + setPublish + `]`, want: publishSet},
		{annotation: "true", published: "false", patch: `[` + setClusterIP + `,` + publishToTrue + `]`, want: publishSet},
		{annotation: "true", published: "true", patch: `[` + setClusterIP + `]`},
		{annotation: "false", published: "", patch: `[` + setClusterIP + `]`, want: publishKept},
		{annotation: "false", published: "false", patch: `[` + setClusterIP + `]`, want: publishKept},
		{annotation: "false", published: "true", patch: `[` + setClusterIP + `,` + publishToFalse + `]`, want: publishSet},
	})...)
	return rows
}

func statefulSetHeadlessServices() []serviceRow {
	rows := bothHeadlessServices()
	for i := range rows {
		row := &rows[i]
		switch refused := slices.ContainsFunc(row.want, isRefusal); {
		case refused:
		case row.patch == "":
			row.patch = `[` + setPublish + `]`
		default:
			row.patch = row.patch[:len(row.patch)-1] + `,` + setPublish + `]`
		}
		row.want = afterClusterIP(row.want, publishSet)
	}
	rows = append(rows, publishing([]publishCase{
		{annotation: "", published: "", patch: `[` + setClusterIP + `,` + setPublish + `]`, want: publishSet},
		{annotation: "", published: "false", patch: `[` + setClusterIP + `,` + publishToTrue + `]`, want: publishSet},
		{annotation: "", published: "true", patch: `[` + setClusterIP + `]`},
		{annotation: "true", published: "", patch: `[` + setClusterIP + `,` + setPublish + `]`, want: publishSet},
		{annotation: "true", published: "false", patch: `[` + setClusterIP + `,` + publishToTrue + `]`, want: publishSet},
		{annotation: "true", published: "true", patch: `[` + setClusterIP + `]`},
		{annotation: "false", published: "", patch: `[` + setClusterIP + `]`, want: publishKept},
		{annotation: "false", published: "false", patch: `[` + setClusterIP + `]`, want: publishKept},
		{annotation: "false", published: "true", patch: `[` + setClusterIP + `,` + publishToFalse + `]`, want: publishSet},
	})...)
	return rows
}

// afterClusterIP puts a finding where the rule about publishing comes: behind
// type and cluster IP.
func afterClusterIP(findings []string, finding string) []string {
	i := 0
	for i < len(findings) && (findings[i] == clusterIPNone || isRefusal(findings[i])) {
		i++
	}
	return slices.Insert(slices.Clone(findings), i, finding)
}

func isRefusal(finding string) bool { return strings.HasPrefix(finding, "refused ") }

func wrongType(name string) string {
	return `refused ServiceTypeHasClusterIP spec.type: Invalid value: "` + name + `": cannot be headless: use type ClusterIP, and a second Service for access from outside`
}

func explicitIP(field string) string {
	return `refused ClusterIPExplicit spec.` + field + `: Invalid value: "10.96.0.7": a headless Service has none: remove clusterIP and clusterIPs, or remove the mode`
}

// bothHeadlessServices is what both headless modes do alike. Nothing in it is
// about publishing addresses.
func bothHeadlessServices() []serviceRow {
	translated := func(index, target, port int) string {
		return fmt.Sprintf("warned PortNotTranslated spec.ports[%d].targetPort: %d differs from port %d, and a headless Service does not translate ports: "+
			"make port equal to the port that the container listens on", index, target, port)
	}
	rows := []serviceRow{
		{line: "clusterIP becomes None", spec: `{"type":"ClusterIP",` + selected + `}`, patch: `[` + setClusterIP + `]`, want: []string{clusterIPNone}},
		{line: "without a type, too", spec: `{` + selected + `}`, patch: `[` + setClusterIP + `]`, want: []string{clusterIPNone}},
		{line: "an empty clusterIP is replaced", spec: `{"type":"ClusterIP","clusterIP":"",` + selected + `}`, patch: `[` + replaceIP + `]`, want: []string{clusterIPNone}},
		{line: "null members are made", spec: `{"clusterIP":null,"clusterIPs":null,"ports":null,"externalIPs":null,` + selected + `}`, patch: `[` + setClusterIP + `]`, want: []string{clusterIPNone}},
		{line: "clusterIP None is what it should be", spec: `{"clusterIP":"None","clusterIPs":["None"],` + selected + `}`},
		{line: "clusterIPs None asks for the same", spec: `{"clusterIPs":["None"],` + selected + `}`, patch: `[` + setClusterIP + `]`, want: []string{clusterIPNone}},
		{line: "NodePort is refused", spec: `{"type":"NodePort",` + selected + `}`, want: []string{wrongType("NodePort"), clusterIPNone}},
		{line: "LoadBalancer is refused", spec: `{"type":"LoadBalancer",` + selected + `}`, want: []string{wrongType("LoadBalancer"), clusterIPNone}},
		{line: "ExternalName is refused", spec: `{"type":"ExternalName","externalName":"x.example",` + selected + `}`, want: []string{wrongType("ExternalName"), clusterIPNone}},
		{line: "an explicit clusterIP is refused", spec: `{"clusterIP":"10.96.0.7","clusterIPs":["10.96.0.7"],` + selected + `}`, want: []string{explicitIP("clusterIP")}},
		{line: "explicit clusterIPs are refused", spec: `{"clusterIPs":["10.96.0.7","fd00::7"],` + selected + `}`, want: []string{explicitIP("clusterIPs[0]")}},
		{line: "type and clusterIP are both named", spec: `{"type":"NodePort","clusterIP":"10.96.0.7",` + selected + `}`,
			want: []string{wrongType("NodePort"), explicitIP("clusterIP")}},
		{line: "port and targetPort that differ are warned of", spec: `{` + selected + `,"ports":[{"name":"a","port":80,"targetPort":80},{"name":"b","port":443,"targetPort":8443}]}`,
			patch: `[` + setClusterIP + `]`, want: []string{clusterIPNone, translated(1, 8443, 443)}},
		{line: "each of them is", spec: `{` + selected + `,"ports":[{"port":80,"targetPort":8080},{"port":443,"targetPort":8443}]}`,
			patch: `[` + setClusterIP + `]`, want: []string{clusterIPNone, translated(0, 8080, 80), translated(1, 8443, 443)}},
		{line: "a named targetPort and none are not", spec: `{` + selected + `,"ports":[{"port":80,"targetPort":"http"},{"port":443},{"port":81,"targetPort":null}]}`,
			patch: `[` + setClusterIP + `]`, want: []string{clusterIPNone}},
		{line: "no ports are fine", spec: `{` + selected + `,"ports":[]}`, patch: `[` + setClusterIP + `]`, want: []string{clusterIPNone}},
		{line: "sessionAffinity ClientIP is warned of", spec: `{"sessionAffinity":"ClientIP",` + selected + `}`, patch: `[` + setClusterIP + `]`, want: []string{clusterIPNone, clientIP}},
		{line: "sessionAffinity None is fine", spec: `{"sessionAffinity":"None",` + selected + `}`, patch: `[` + setClusterIP + `]`, want: []string{clusterIPNone}},
		{line: "externalIPs are warned of", spec: `{"externalIPs":["192.0.2.1"],` + selected + `}`, patch: `[` + setClusterIP + `]`, want: []string{clusterIPNone, externalIPs}},
		{line: "no externalIPs are fine", spec: `{"externalIPs":[],` + selected + `}`, patch: `[` + setClusterIP + `]`, want: []string{clusterIPNone}},
		{line: "no selector is warned of", spec: `{"type":"ClusterIP"}`, patch: `[` + setClusterIP + `]`, want: []string{clusterIPNone, noSelector}},
		{line: "an empty selector is none", spec: `{"selector":{}}`, patch: `[` + setClusterIP + `]`, want: []string{clusterIPNone, noSelector}},
		{line: "everything that is wrong is named", spec: `{"type":"LoadBalancer","clusterIP":"10.96.0.7","sessionAffinity":"ClientIP","externalIPs":["192.0.2.1"],"ports":[{"port":1,"targetPort":2}]}`,
			want: []string{wrongType("LoadBalancer"), explicitIP("clusterIP"), translated(0, 2, 1), clientIP, externalIPs, noSelector}},
	}
	return append(rows, reverseNameServices()...)
}

// publishCase is one line of the truth table of publishNotReadyAddresses.
type publishCase struct {
	annotation, published string
	patch                 string
	want                  string
}

func publishing(cases []publishCase) []serviceRow {
	var rows []serviceRow
	for _, c := range cases {
		row := serviceRow{
			line:     fmt.Sprintf("publishNotReadyAddresses %q under the annotation %q", c.published, c.annotation),
			metadata: `{"name":"nimbus"}`, spec: `{` + selected + `}`, patch: c.patch, want: []string{clusterIPNone},
		}
		if c.annotation != "" {
			row.metadata = `{"name":"nimbus","annotations":{"netmode.io/publish-not-ready-addresses":"` + c.annotation + `"}}`
		}
		if c.published != "" {
			row.spec = `{` + selected + `,"publishNotReadyAddresses":` + c.published + `}`
		}
		if c.want != "" {
			row.want = append(row.want, c.want)
		}
		rows = append(rows, row)
	}
	return rows
}
