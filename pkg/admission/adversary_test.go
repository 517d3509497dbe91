package admission

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// sent is a review of an object in JSON.
func sent(kind, uid, object string) []byte {
	return []byte(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"` + uid + `","kind":{"group":"","version":"v1","kind":"` + kind +
		`"},"namespace":"a","name":"p","operation":"CREATE","object":` + object + `}}`)
}

// asking is a Pod that asks for a mode.
func asking(annotations, spec string) []byte {
	return sent("Pod", "u", `{"metadata":{"name":"p","annotations":{`+annotations+`}},"spec":{`+spec+`}}`)
}

// many is n items, each of them made of its index; of very many, fewer where the
// race detector makes them take ten times as long.
func many(n int, item func(i int) string) string {
	if n >= 20*fewer*api.MaxItems {
		n /= fewer
	}
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(item(i))
	}
	return b.String()
}

func always(item string) func(int) string { return func(int) string { return item } }

const (
	wantsHostNetwork = `"netmode.io/mode":"hostnetwork"`
	wantsPeers       = `"netmode.io/mode":"statefulset-headless","netmode.io/service":"db"`
	wantsHostNames   = wantsHostNetwork + `,"netmode.io/service":"db"`
	wantsPrepend     = wantsPeers + `,"netmode.io/search-rewrite":"prepend"`
	tenPeers         = `"netmode.io/peers":"a.ns,b.ns,c.ns,d.ns,e.ns,f.ns,g.ns,h.ns,i.ns,j.ns"`
	wantsPostStart   = wantsPeers + `,"netmode.io/search-rewrite":"post-start"`
)

// attack is an object that costs as much as its sender could think of.
type attack struct {
	name     string
	body     func() []byte
	decision Decision
	// reason is one of the reasons; empty for what is not judged.
	reason plan.Reason
}

const eightMB = 8_000_000

func attacks() []attack {
	long := func() string { return strings.Repeat("a", eightMB) }
	container := func(members string) string { return `"containers":[{"name":"c",` + members + `}]` }
	pod := func(annotations string, spec func() string) func() []byte {
		return func() []byte { return asking(annotations, spec()) }
	}
	ofDaemonSet := func(terms func() string) func() []byte {
		return func() []byte {
			return sent("Pod", "u", `{"metadata":{"generateName":"p-","annotations":{`+wantsPeers+`,"netmode.io/hostname":"node"},"ownerReferences":[{"kind":"DaemonSet","controller":true}]},`+
				`"spec":{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[`+terms()+`]}}}}}`)
		}
	}
	generating := func(from func() string) func() []byte {
		return func() []byte {
			return sent("Pod", "u", `{"metadata":{"generateName":"`+from()+`","annotations":{`+wantsPeers+`}}}`)
		}
	}
	port := func(i int) string {
		return fmt.Sprintf(`{"containerPort":%d,"hostIP":"10.%d.%d.%d"}`, i%7+1, i>>16, i>>8&255, i&255)
	}
	deployment := func(operation, annotations, template, old string) func() []byte {
		return func() []byte {
			object := workloadObject("Deployment", annotations, template)
			if old != "null" {
				old = workloadObject("Deployment", annotations, old)
			}
			return workloadRequest("Deployment", operation, object, old)
		}
	}
	return []attack{
		{"80,000 hostPort mismatches", pod(wantsHostNetwork, func() string {
			return container(`"ports":[` + many(80_000, always(`{"hostPort":1,"containerPort":2}`)) + `]`)
		}), Refused, plan.PodTooLarge},
		{"400,000 net. sysctls", pod(wantsHostNetwork, func() string {
			return `"securityContext":{"sysctls":[` + many(400_000, always(`{"name":"net.a"}`)) + `]}`
		}), Refused, plan.PodTooLarge},
		{"300,000 istio-proxy", pod(wantsHostNetwork, func() string {
			return `"containers":[` + many(300_000, always(`{"name":"istio-proxy"}`)) + `]`
		}), Refused, plan.PodTooLarge},
		{"2.7 million containers", pod(wantsHostNetwork, func() string { return `"containers":[` + many(2_700_000, always(`{}`)) + `]` }), Refused, plan.PodTooLarge},
		{"60,000 distinct ports", pod(wantsHostNetwork, func() string {
			return container(`"ports":[` + many(60_000, func(i int) string { return `{"containerPort":` + strconv.Itoa(i+1) + `}` }) + `]`)
		}), Refused, plan.PodTooLarge},
		{"150,000 searches", pod(wantsPrepend, func() string {
			return `"dnsConfig":{"searches":[` + many(150_000, func(i int) string { return fmt.Sprintf(`"s%d.example"`, i) }) + `]}`
		}), Refused, plan.PodTooLarge},
		{"20,000 nameservers", pod(wantsPrepend, func() string {
			return `"dnsConfig":{"nameservers":[` + many(20_000, func(i int) string { return fmt.Sprintf(`"10.0.%d.%d"`, i>>8, i&255) }) + `]}`
		}), Refused, plan.PodTooLarge},
		{"post-start in 20,000 containers", pod(wantsPostStart, func() string {
			return `"containers":[` + many(20_000, func(i int) string { return fmt.Sprintf(`{"name":"c%d"}`, i) }) + `]`
		}), Refused, plan.PodTooLarge},
		{"350,000 unknown annotations", pod(wantsHostNetwork+","+many(350_000, func(i int) string { return fmt.Sprintf(`"netmode.io/k%d":""`, i) }), func() string { return "" }), Refused, plan.PodTooLarge},
		{"350,000 annotations of others", pod(many(350_000, func(i int) string { return fmt.Sprintf(`"k%d":"v"`, i) }), func() string { return "" }), Unchanged, plan.NothingAsked},
		{"uid of 8 MB", func() []byte { return sent("Pod", long(), `{}`) }, Unchanged, plan.NothingAsked},
		{"name of 8 MB", func() []byte {
			return sent("Pod", "u", `{"metadata":{"name":"`+long()+`","annotations":{`+wantsPeers+`}}}`)
		}, Refused, plan.HostnameInvalid},
		{"hostname of 8 MB", pod(wantsPeers, func() string { return `"hostname":"` + long() + `"` }), Refused, plan.HostnameInvalid},
		{"a million affinity expressions", pod(wantsHostNetwork, func() string {
			term := `{"matchExpressions":[` + many(999, func(int) string { return "{}" }) + `]}`
			return `"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[` +
				many(999, func(int) string { return term }) + `]}}}`
		}), Patched, plan.HostNetworkSet},
		{"a million affinity fields", ofDaemonSet(func() string {
			term := `{"matchFields":[` + many(999, func(int) string { return "{}" }) + `]}`
			return many(999, func(int) string { return term })
		}), Refused, plan.HostnameNoNode},
		{"a node's name of 8 MB", ofDaemonSet(func() string {
			return `{"matchFields":[{"key":"metadata.name","operator":"In","values":["` + strings.Repeat("a.", eightMB/2) + `"]}]}`
		}), Refused, plan.HostnameOfNodeInvalid},
		{"generateName of 8 MB", generating(long), Patched, plan.HostnameGenerated},
		{"generateName of 1.45 million <", generating(func() string { return strings.Repeat(`\u003c`, 1_450_000) }), Refused, plan.HostnameInvalid},
		{"generateName of 2.6 million ю", generating(func() string { return strings.Repeat("ю", 2_600_000) }), Refused, plan.HostnameInvalid},
		{"a mode of 8 MB as a label", func() []byte {
			return sent("Pod", "u", `{"metadata":{"name":"p","labels":{"netmode.io/mode":"`+long()+`"},"annotations":{`+wantsHostNetwork+`}}}`)
		}, Patched, plan.ModeLabel},
		{"status of 8 MB", func() []byte { return asking(wantsPeers+`,"netmode.io/status":"`+long()+`"`, "") }, Patched, plan.HostnameSet},
		{"subdomain of 8 MB", pod(`"netmode.io/mode":"statefulset-headless"`, func() string { return `"subdomain":"` + long() + `"` }), Refused, plan.GoverningServiceInvalid},
		{"annotation of 8 MB", func() []byte { return asking(`"netmode.io/mode":"`+long()+`"`, "") }, Refused, plan.AnnotationInvalid},
		{"a peer of 8 MB", func() []byte { return asking(`"netmode.io/peers":"`+long()+`"`, "") }, Refused, plan.AnnotationInvalid},
		{"2.6 million peers", func() []byte { return asking(`"netmode.io/peers":"`+many(2_600_000, always("zk"))+`"`, "") }, Refused, plan.AnnotationInvalid},
		{"8 million commas", func() []byte { return asking(`"netmode.io/peers":"`+strings.Repeat(",", eightMB)+`"`, "") }, Refused, plan.AnnotationInvalid},
		{"ten peers, and hooks of 15,000 words", pod(tenPeers+`,"netmode.io/search-rewrite":"post-start"`, func() string {
			return `"containers":[` + many(100, always(`{"lifecycle":{"postStart":{"exec":{"command":["","","","netmode-post-start","`+strings.Repeat("x ", 15_000)+`"]}}}}`)) + `]`
		}), Patched, plan.SearchByPostStart},
		{"ten peers, and 100 init containers that are netmode's", pod(tenPeers, func() string {
			return `"initContainers":[` + many(100, always(`{"name":"netmode-resolvconf","command":["/netmode","resolvconf","behind","b",`+many(900, always(`"a.ns.svc.b"`))+`]}`)) + `]`
		}), Patched, plan.SearchPrepended},
		{"annotation key of 8 MB", func() []byte { return asking(`"netmode.io/`+long()+`":"x",`+wantsHostNetwork, "") }, Malformed, ""},
		{"1.45 million <, read", pod(wantsPeers, func() string { return `"hostname":"` + strings.Repeat(`\u003c`, 1_450_000) + `"` }), Refused, plan.HostnameInvalid},
		{"1.45 million <, not read", pod(wantsHostNetwork, func() string { return container(`"image":"` + strings.Repeat(`\u003c`, 1_450_000) + `"`) }), Patched, plan.HostNetworkSet},
		{"a number of 8 MB", pod(wantsHostNetwork, func() string { return container(`"ports":[{"hostPort":` + strings.Repeat("1", eightMB) + `}]`) }), Malformed, ""},
		{"postStart of 100 words of 100 kB", pod(wantsPostStart, func() string {
			return container(`"lifecycle":{"postStart":{"exec":{"command":[` + many(100, always(`"`+strings.Repeat("x", 100_000)+`"`)) + `]}}}`)
		}), Malformed, ""},
		{"postStart of a word of 8 MB", pod(wantsPostStart, func() string {
			return container(`"lifecycle":{"postStart":{"exec":{"command":["` + long() + `"]}}}`)
		}), Refused, plan.PodTooLarge},

		{"1,000 ports, all of them twice taken and mismatched", pod(wantsHostNetwork, func() string {
			return container(`"ports":[` + many(1000, always(`{"hostPort":1,"containerPort":2}`)) + `]`)
		}), Refused, plan.HostPortConflict},
		{"1,000 ports on 1,000 addresses", pod(wantsHostNetwork, func() string { return container(`"ports":[` + many(1000, port) + `]`) }), Patched, plan.HostNetworkSet},
		{"1,000 net. sysctls of 4 kB", pod(wantsHostNetwork, func() string {
			return `"securityContext":{"sysctls":[` + many(1000, always(`{"name":"net.`+strings.Repeat("<", 4000)+`"}`)) + `]}`
		}), Refused, plan.NetSysctl},
		{"100,000 variables", pod(wantsHostNames, func() string {
			return container(`"env":[` + many(100_000, func(i int) string { return fmt.Sprintf(`{"name":"V%d","value":"some text"}`, i) }) + `]`)
		}), Patched, plan.HostnameEnvSet},
		{"100,000 variables, their values first", pod(wantsHostNames, func() string {
			return container(`"env":[` + many(100_000, func(i int) string { return fmt.Sprintf(`{"value":"some text","name":"V%d"}`, i) }) + `]`)
		}), Patched, plan.HostnameEnvSet},
		{"100,000 variables of netmode's name", pod(wantsHostNames, func() string {
			return container(`"env":[` + many(100_000, always(`{"name":"NETMODE_HOSTNAME","value":"`+strings.Repeat("v", 40)+`"}`)) + `]`)
		}), Patched, plan.HostnameEnvKept},
		{"1,000 values of 8 kB in a variable of netmode's name", pod(wantsHostNames, func() string {
			return container(`"env":[` + many(1000, always(`{"name":"NETMODE_HOSTNAME","value":"`+strings.Repeat("v", 8000)+`"}`)) + `]`)
		}), Malformed, ""},
		{"200 containers with 1,000 variables each", pod(wantsHostNames, func() string {
			full := `[` + many(100, func(i int) string {
				return fmt.Sprintf(`{"name":"c%d","env":[%s{"name":"NETMODE_HOSTNAME","value":"x"}]}`, i, strings.Repeat(`{"name":"A","value":"b"},`, 1000))
			}) + `]`
			return `"initContainers":` + full + `,"containers":` + full
		}), Patched, plan.HostnameEnvKept},
		{"the hostname into 200 containers", pod(wantsHostNames, func() string {
			full := `[` + many(100, always(`{"name":"c"}`)) + `]`
			return `"initContainers":` + full + `,"containers":` + full
		}), Patched, plan.HostnameEnvSet},
		{"100 containers of 1,000 ports each", pod(wantsHostNetwork, func() string {
			return `"containers":[` + many(100, always(`{"ports":[`+many(1000, always(`{}`))+`]}`)) + `]`
		}), Refused, plan.PodTooLarge},
		{"100 init containers of 9,000 capabilities each", pod(wantsHostNetwork, func() string {
			return `"initContainers":[` + many(100, always(`{"name":"`+strings.Repeat("<", 400)+`","securityContext":{"capabilities":{"add":["NET_ADMIN",`+many(9000, always(`"CHOWN"`))+`]}}}`)) + `]`
		}), Patched, plan.InitContainerNetAdmin},
		{"as much as is read of everything", func() []byte {
			full := `[` + many(100, always(`{"ports":[`+many(1001, always(`{}`))+`],"command":[`+many(1001, always(`""`))+`],"args":[`+many(1001, always(`""`))+`]}`)) + `]`
			label := strings.Repeat("l", 2500)
			return sent("Pod", "u", `{"metadata":{"name":"p","annotations":{`+wantsHostNetwork+`},"labels":{`+many(900, func(i int) string { return fmt.Sprintf(`"l%d":%q`, i, label) })+
				`}},"spec":{"initContainers":`+full+`,"containers":`+full+`}}`)
		}, Refused, plan.PodTooLarge},
		{"post-start in 100 containers", pod(wantsPostStart, func() string {
			return `"containers":[` + many(100, always(`{"lifecycle":{"postStart":{"httpGet":{}}}}`)) + `]`
		}), Refused, plan.PostStartImpossible},

		{"control characters everywhere", func() []byte {
			odd := strings.Repeat(`\u0001`, 2000)
			return sent("Pod", "u"+odd, `{"metadata":{"name":"`+odd+`","annotations":{"netmode.io/mode":"`+odd+`","netmode.io/service":"`+odd+`","netmode.io/search-rewrite":"`+odd+`",`+
				many(20, func(i int) string { return fmt.Sprintf(`"netmode.io/%d%s":""`, i, odd) })+`}},"spec":{}}`)
		}, Refused, plan.AnnotationInvalid},
		{"1.5 million names", pod(wantsHostNetwork, func() string {
			return `"x":{` + many(1_500_000, func(i int) string { return fmt.Sprintf(`"%x":0`, i) }) + `}`
		}), Patched, plan.HostNetworkSet},
		{"2,000 names that look alike", pod(wantsHostNetwork, func() string {
			return `"x":{` + many(2000, func(i int) string {
				return fmt.Sprintf(`"%s%04d%s":0`, strings.Repeat("a", 3500), i, strings.Repeat("a", 500))
			}) + `}`
		}), Patched, plan.HostNetworkSet},
		{"9,000 deep", pod(wantsHostNetwork, func() string {
			return `"x":` + strings.Repeat(`{"a":1,"b":2,"c":`, 9000) + "0" + strings.Repeat("}", 9000)
		}), Patched, plan.HostNetworkSet},

		{"Deployment with 2.7 million containers", deployment("CREATE", asksHostNetwork, `{"spec":{"containers":[`+many(2_700_000, always("{}"))+`]}}`, "null"), Refused, plan.PodTooLarge},
		{"Deployment before and after, 7 MB each", deployment("UPDATE", asksHostNetwork,
			`{"spec":{"x":"`+long()[:7_000_000]+`"}}`, `{"spec":{"x":"`+long()[:6_999_999]+`b"}}`), Patched, plan.AnnotationCopied},
		{"Deployment with 350,000 annotations before and after", func() []byte {
			all := "{" + wantsHostNetwork + "," + many(350_000, func(i int) string { return fmt.Sprintf(`"k%d":"v"`, i) }) + "}"
			return deployment("UPDATE", all, plainTemplate, plainTemplate)()
		}, Patched, plan.AnnotationCopied},
		{"StatefulSet with a name of 8 MB", func() []byte {
			object := `{"metadata":{"name":"` + long() + `","annotations":{` + wantsPeers + `}},"spec":{"replicas":2147483647,"ordinals":{"start":2147483647},"template":` + plainTemplate + `}}`
			return workloadRequest("StatefulSet", "CREATE", object, "null")
		}, Refused, plan.HostnameInvalid},
		{"Service with 200,000 ports", func() []byte {
			return sent("Service", "u", `{"metadata":{"name":"s","annotations":{"netmode.io/mode":"headless"}},"spec":{"ports":[`+many(200_000, always(`{"port":1,"targetPort":2}`))+`]}}`)
		}, Refused, plan.ServiceTooLarge},
		{"Service with 1,000 ports", func() []byte {
			return sent("Service", "u", `{"metadata":{"name":"s","annotations":{"netmode.io/mode":"headless"}},"spec":{"ports":[`+many(1000, always(`{"port":1,"targetPort":2}`))+`]}}`)
		}, Patched, plan.PortNotTranslated},
	}
}

// The most that an answer may be, its patch aside, and that it may take.
const (
	mostAnswer    = 32 << 10
	mostAllocated = 48 << 20
	mostRecord    = 12 << 10
)
