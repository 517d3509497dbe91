package suite

import (
	"context"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/e2e/nodeimage"
	"github.com/netmode-io/netmode/pkg/api"
)

// strategies are those that rewrite the search list.
func strategies() []api.SearchRewrite {
	return slices.DeleteFunc(api.SearchRewrites(), func(s api.SearchRewrite) bool { return s == api.SearchNone })
}

// readOnly is a container with a shell and a read-only root filesystem.
const readOnly = "read-only"

// testStatefulSetHeadless checks each strategy with pods of StatefulSets that are all alike but
// for what the strategy cannot serve.
func testStatefulSetHeadless(ctx context.Context, t *testing.T, s *suite) {
	for _, strategy := range strategies() {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			c := s.scene(ctx, t, string(strategy))
			peers := service("peers", mode(api.ModeStatefulSetHeadless))
			peers.Spec.Selector = map[string]string{"of": "peers"}
			c.create(ctx, t, peers, service("web", nil))
			c.create(ctx, t, c.peers("web", strategy))
			if strategy != api.SearchPostStart {
				user := c.peers("user", strategy)
				user.Spec.Template.Spec = nonRoot(user.Spec.Template.Spec)
				c.create(ctx, t, user)
			}

			t.Run("Service", func(t *testing.T) {
				made, err := s.client.CoreV1().Services(c.namespace).Get(ctx, "peers", metav1.GetOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if made.Spec.ClusterIP != corev1.ClusterIPNone || !made.Spec.PublishNotReadyAddresses {
					t.Errorf("clusterIP %s, publishNotReadyAddresses %t", made.Spec.ClusterIP, made.Spec.PublishNotReadyAddresses)
				}
			})
			web := c.ready(ctx, t, "web", 2)
			t.Run("two nodes", func(t *testing.T) { checkApart(t, s, web) })
			t.Run("shell", func(t *testing.T) { c.checkFetches(ctx, t, web, shell) })
			t.Run("no shell", func(t *testing.T) { c.checkResolves(ctx, t, web) })
			t.Run("read-only root filesystem", func(t *testing.T) { c.checkFetches(ctx, t, web, readOnly) })
			t.Run("own full name", func(t *testing.T) { c.checkFullName(ctx, t, web) })
			t.Run("search list", func(t *testing.T) { c.checkSearches(ctx, t, web, strategy) })
			t.Run("queries", func(t *testing.T) {
				c.costs.set(strategy, cost{
					first:   strings.TrimSuffix(strings.ReplaceAll(c.searches(ctx, t, "web-0", distroless)[0], c.namespace, "NS"), "."+domain),
					peer:    len(c.queries(ctx, t, &web[0], "web-1")),
					service: len(c.queries(ctx, t, &web[0], "web")),
				})
			})
			if strategy == api.SearchPostStart {
				t.Run("what it cannot serve", func(t *testing.T) { c.checkPostStartLimits(ctx, t) })
				return
			}
			t.Run("own init container", func(t *testing.T) { c.checkInitContainer(ctx, t, web) })
			user := c.ready(ctx, t, "user", 2)
			t.Run("non-root", func(t *testing.T) { c.checkFetches(ctx, t, user, shell) })
			t.Run("non-root, no shell", func(t *testing.T) { c.checkResolves(ctx, t, user) })
		})
	}
}

// finder is the test's own init container: it waits for the peer.
const finder = "finder"

// peers is a StatefulSet with two pods on two nodes, as far as there are two: containers with a
// shell, without one, and with a read-only root filesystem, behind an init container that must
// resolve its peer. Of these postStart hooks suit only the first, and only while no container
// without a shell runs as root; they begin after all init containers.
func (s *scene) peers(name string, strategy api.SearchRewrite) *appsv1.StatefulSet {
	locked := shellContainer()
	locked.Name, locked.SecurityContext = readOnly, &corev1.SecurityContext{ReadOnlyRootFilesystem: new(true)}
	noShell := distrolessContainer()
	pods := template(name, mode(api.ModeStatefulSetHeadless, api.AnnotationSearchRewrite, string(strategy)), shellContainer(), noShell, locked)
	pods.Labels["of"] = "peers"
	if s.twoNodes() {
		apart(&pods.Spec, "app", name)
	}
	if strategy == api.SearchPostStart {
		pods.Spec.Containers[1].SecurityContext = &corev1.SecurityContext{RunAsUser: new(int64(1000))}
	} else {
		pods.Spec.InitContainers = []corev1.Container{{
			Name: finder, Image: nodeimage.PeercheckImage, ImagePullPolicy: corev1.PullNever,
			Args: []string{"resolve", "--retry-for", "60s", name + "-1"},
		}}
	}
	return statefulSet(name, "peers", 2, pods)
}

// nonRoot takes root from a whole pod.
func nonRoot(spec corev1.PodSpec) corev1.PodSpec {
	spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: new(int64(1000)), RunAsNonRoot: new(true)}
	return spec
}

func checkApart(t *testing.T, s *suite, pods []corev1.Pod) {
	t.Helper()
	if s.twoNodes() && pods[0].Spec.NodeName == pods[1].Spec.NodeName {
		t.Errorf("both pods are on %s", pods[0].Spec.NodeName)
	}
}

// checkFetches checks that the first pod reaches the second by its short name, looked up by the
// C library, and from the address that it knows the first by.
func (s *scene) checkFetches(ctx context.Context, t *testing.T, pods []corev1.Pod, container string) {
	t.Helper()
	from, to := &pods[0], &pods[1]
	want := to.Name + " sees " + from.Status.PodIP
	s.eventually(ctx, t, patience, want, from.Name, container, fetch(to.Name, servePort)...)
}

// checkResolves checks that the second pod's short name has its address in the first.
func (s *scene) checkResolves(ctx context.Context, t *testing.T, pods []corev1.Pod) {
	t.Helper()
	s.eventually(ctx, t, patience, pods[1].Status.PodIP, pods[0].Name, distroless, resolve(pods[1].Name)...)
}

// checkFullName checks that others find a pod by the full name that it has of itself.
func (s *scene) checkFullName(ctx context.Context, t *testing.T, pods []corev1.Pod) {
	t.Helper()
	full := s.mustExec(ctx, t, pods[0].Name, shell, "hostname", "-f")
	if want := pods[0].Name + ".peers." + s.namespace + ".svc." + domain; full != want {
		t.Errorf("hostname -f: have %s, want %s", full, want)
	}
	s.eventually(ctx, t, patience, pods[0].Status.PodIP, pods[1].Name, distroless, resolve(full)...)
}

// checkSearches checks that the peer domain is where the strategy promises it, once, and that
// the namespace's own domains are there too.
func (s *scene) checkSearches(ctx context.Context, t *testing.T, pods []corev1.Pod, strategy api.SearchRewrite) {
	t.Helper()
	rest := s.namespace + ".svc." + domain
	peer := "peers." + rest
	searches := s.searches(ctx, t, pods[0].Name, distroless)
	want := 0
	if strategy == api.SearchAppend {
		want = len(searches) - 1
	}
	others := slices.DeleteFunc(slices.Clone(searches), func(search string) bool { return search == peer })
	if slices.Index(searches, peer) != want || len(others) != len(searches)-1 {
		t.Errorf("%s must be at %d, once: %s", peer, want, searches)
	}
	if len(others) < 3 || !slices.Equal(others[:3], []string{rest, "svc." + domain, domain}) {
		t.Errorf("the others must begin with %s svc.%s %s: %s", rest, domain, domain, others)
	}
}

// checkInitContainer checks what the test's own init container found.
func (s *scene) checkInitContainer(ctx context.Context, t *testing.T, pods []corev1.Pod) {
	t.Helper()
	found, err := s.client.CoreV1().Pods(s.namespace).GetLogs(pods[0].Name, &corev1.PodLogOptions{Container: finder}).DoRaw(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if have := strings.TrimSpace(string(found)); have != pods[1].Status.PodIP {
		t.Errorf("have %q, want %s", have, pods[1].Status.PodIP)
	}
}

// checkPostStartLimits checks that a pod which no hook can serve is refused, and that a person
// is warned of the image without a shell, where a hook crashes.
func (s *scene) checkPostStartLimits(ctx context.Context, t *testing.T) {
	t.Helper()
	asked := mode(api.ModeStatefulSetHeadless, api.AnnotationService, "peers", api.AnnotationSearchRewrite, string(api.SearchPostStart))
	user := pod("user-0", asked, shellContainer())
	user.Labels["of"] = "peers"
	user.Spec = nonRoot(user.Spec)
	s.checkRefused(ctx, t, user, "no container can run the hook: it needs root, a writable root filesystem, and a postStart that is free or exec: "+
		"use netmode.io/search-rewrite: auto")

	noShell := pod("none-0", asked, distrolessContainer())
	noShell.Labels["of"] = "peers"
	made, said, err := s.admit(ctx, s.namespace, noShell)
	if err != nil {
		t.Fatal(err)
	}
	if made.Spec.Containers[0].Lifecycle == nil {
		t.Error("the container has no hook")
	}
	if want := "make sure that every hooked image has /bin/sh"; !strings.Contains(said, want) {
		t.Errorf("have %q, want %q", said, want)
	}
}
