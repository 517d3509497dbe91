package main

import (
	"fmt"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/mode"
	"github.com/netmode-io/netmode/pkg/resolv"
)

// chineseModes has the cells of each mode: what it is for, what it does to a Pod and
// to a Service.
func chineseModes() map[api.Mode][3]string {
	return map[api.Mode][3]string{
		api.ModeDefault:     {"普通 Service 就能胜任的程序", "不做改动;不采用命名空间给的模式", "不做改动"},
		api.ModeHostNetwork: {"必须使用节点地址的程序", "`hostNetwork: true`、`dnsPolicy: ClusterFirstWithHostNet`;有 `netmode.io/service` 时还做 `statefulset-headless` 所做的,并写入 `NETMODE_HOSTNAME`", "不做改动"},
		api.ModeHeadless: {"一个 Service 后面只有一个 Pod,别人用 Service 的名字记住它",
			"`hostname` 和 `subdomain` 设为 Service 的名字", "`clusterIP: None`"},
		api.ModeStatefulSetHeadless: {"同一个 Service 后面、用主机名互相认识的多个 Pod",
			"设置 `hostname` 和 `subdomain`;Service 的域名排在搜索列表最前面", "`clusterIP: None`、`publishNotReadyAddresses: true`"},
	}
}

// chineseStrategies has the cells of each strategy: what it does, where the peer domain
// then is, and what it needs.
func chineseStrategies() map[api.SearchRewrite][3]string {
	return map[api.SearchRewrite][3]string{
		api.SearchAuto:          {"知道集群 DNS 时用 `prepend`,否则用 `append`", "", ""},
		api.SearchPrepend:       {"把 Pod 的 DNS 配置完整写出", "最前", "集群 DNS:`--cluster-dns` 和 `--cluster-domain`,或某个 Pod 的 resolv.conf"},
		api.SearchAppend:        {"加到 `dnsConfig.searches`", "最后:先有几次查询失败", "无"},
		api.SearchInitContainer: {"一个小容器在其他容器启动前改写 resolv.conf", "最前,对 init 容器也有效", "该容器以 root 运行"},
		api.SearchPostStart:     {"容器启动时由钩子改写 resolv.conf", "最前,但与程序启动存在竞争", "`/bin/sh`、root、可写的文件"},
		api.SearchNone:          {"不做改动", "没有", ""},
	}
}

func chinese() (tables, error) {
	t := tables{
		modes:      [][]string{{code(api.AnnotationMode), "适用场景", "对 Pod 做什么", "对 Service 做什么"}},
		strategies: [][]string{{"策略", "做什么", "同伴域名的位置", "需要什么"}},
		comma:      "、",
	}
	modes, strategies := chineseModes(), chineseStrategies()
	for _, m := range mode.Modes() {
		cells, ok := modes[m.Name]
		if !ok {
			return t, fmt.Errorf("mode %s has no Chinese words: write them in docs/generate/chinese.go", m.Name)
		}
		t.modes = append(t.modes, append([]string{code(m.Name)}, cells[:]...))
	}
	for _, s := range resolv.Strategies() {
		cells, ok := strategies[s.Name]
		if !ok {
			return t, fmt.Errorf("strategy %s has no Chinese words: write them in docs/generate/chinese.go", s.Name)
		}
		t.strategies = append(t.strategies, append([]string{code(s.Name)}, cells[:]...))
	}
	return t, nil
}
