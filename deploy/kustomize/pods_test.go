package kustomize_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/netmode-io/netmode/cmd/netmode-webhook/app"
	"github.com/netmode-io/netmode/pkg/flags"
)

const (
	ownNamespace = flags.DefaultNamespace
	imageName    = "ghcr.io/netmode-io/netmode"
	webhookName  = "netmode-webhook"
)

// Every pod passes PodSecurity restricted, and writes nowhere.
func TestPodsAreRestricted(t *testing.T) {
	for _, d := range only[*appsv1.Deployment](base(t)) {
		pod := d.Spec.Template.Spec
		if pod.HostNetwork || pod.HostPID || pod.HostIPC {
			t.Errorf("%s: on its host's namespaces", d.Name)
		}
		s := pod.SecurityContext
		switch {
		case s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot:
			t.Errorf("%s: runAsNonRoot is not true", d.Name)
		case s.RunAsUser == nil || *s.RunAsUser != 65532 || s.RunAsGroup == nil || *s.RunAsGroup != 65532:
			t.Errorf("%s: does not run as 65532:65532, the image's user", d.Name)
		case s.SeccompProfile == nil || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault:
			t.Errorf("%s: seccompProfile is not RuntimeDefault", d.Name)
		}
		for _, volume := range pod.Volumes {
			if volume.Secret == nil {
				t.Errorf("%s: volume %s is no Secret", d.Name, volume.Name)
			}
		}
		c := container(t, d).SecurityContext
		switch {
		case c == nil || c.AllowPrivilegeEscalation == nil || *c.AllowPrivilegeEscalation:
			t.Errorf("%s: allowPrivilegeEscalation is not false", d.Name)
		case c.ReadOnlyRootFilesystem == nil || !*c.ReadOnlyRootFilesystem:
			t.Errorf("%s: readOnlyRootFilesystem is not true", d.Name)
		case c.Capabilities == nil || !slices.Equal(c.Capabilities.Drop, []corev1.Capability{"ALL"}) || len(c.Capabilities.Add) > 0:
			t.Errorf("%s: does not drop all capabilities", d.Name)
		case c.RunAsUser != nil || c.RunAsNonRoot != nil || c.SeccompProfile != nil || c.Privileged != nil:
			t.Errorf("%s: the container overrides the pod's securityContext", d.Name)
		}
	}
}

// container is the only one of a Deployment's pods.
func container(t *testing.T, d *appsv1.Deployment) *corev1.Container {
	t.Helper()
	pod := &d.Spec.Template.Spec
	if len(pod.Containers) != 1 || len(pod.InitContainers) > 0 {
		t.Fatalf("%s: want one container, have %d and %d init containers", d.Name, len(pod.Containers), len(pod.InitContainers))
	}
	return &pod.Containers[0]
}

func TestPodsAreWatchedAndBounded(t *testing.T) {
	all := base(t)
	quota := named[*corev1.ResourceQuota](t, all, "netmode-critical-pods")
	for _, d := range only[*appsv1.Deployment](all) {
		c := container(t, d)
		for name, want := range map[string]string{"liveness": "/livez", "readiness": "/readyz"} {
			probe := map[string]*corev1.Probe{"liveness": c.LivenessProbe, "readiness": c.ReadinessProbe}[name]
			if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != want || probe.HTTPGet.Port != intstr.FromString("ops") {
				t.Errorf("%s: %s: want GET %s at ops, have %+v", d.Name, name, want, probe)
			}
		}
		r := c.Resources
		if r.Requests.Cpu().IsZero() || r.Requests.Memory().IsZero() || r.Limits.Memory().Cmp(*r.Requests.Memory()) < 0 {
			t.Errorf("%s: resources %+v: want requests, and a limit of memory above its request", d.Name, r)
		}
		// A throttled webhook would make every asking Pod wait.
		if !r.Limits.Cpu().IsZero() {
			t.Errorf("%s: has a limit of CPU", d.Name)
		}
		priority := d.Spec.Template.Spec.PriorityClassName
		if priority == "" || !slices.Equal(quota.Spec.ScopeSelector.MatchExpressions[0].Values, []string{priority}) {
			t.Errorf("%s: priority class %q, and the quota is for %v", d.Name, priority, quota.Spec.ScopeSelector.MatchExpressions)
		}
	}
}

func TestWebhookSurvives(t *testing.T) {
	all := base(t)
	d := named[*appsv1.Deployment](t, all, webhookName)
	rolling := d.Spec.Strategy.RollingUpdate
	// With the type left out, kubectl apply would find something to change each time.
	if d.Spec.Strategy.Type != appsv1.RollingUpdateDeploymentStrategyType {
		t.Errorf("strategy type %q", d.Spec.Strategy.Type)
	}
	if *d.Spec.Replicas != 2 || rolling == nil || rolling.MaxUnavailable == nil || *rolling.MaxUnavailable != intstr.FromInt32(0) {
		t.Errorf("want two replicas, none unavailable while they are replaced: %+v", d.Spec.Strategy)
	}
	spread := d.Spec.Template.Spec.TopologySpreadConstraints
	if len(spread) != 1 || spread[0].TopologyKey != corev1.LabelHostname || spread[0].WhenUnsatisfiable != corev1.ScheduleAnyway ||
		!selects(t, spread[0].LabelSelector, d) {
		t.Errorf("not spread over nodes: %+v", spread)
	}
	budgets := only[*policyv1.PodDisruptionBudget](all)
	if len(budgets) != 1 || !selects(t, budgets[0].Spec.Selector, d) || *budgets[0].Spec.MinAvailable != intstr.FromInt32(1) {
		t.Errorf("want one disruption budget that keeps one pod: %+v", budgets)
	}

	args := flagsOf(container(t, d))
	var needed time.Duration
	for _, name := range []string{"--shutdown-delay", "--drain-timeout"} {
		duration, err := time.ParseDuration(args[name])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		needed += duration
	}
	if grace := time.Duration(*d.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second; grace <= needed {
		t.Errorf("killed after %s, but needs %s to drain", grace, needed)
	}

	soft := resource.MustParse(strings.TrimSuffix(variable(t, d, "GOMEMLIMIT"), "B"))
	if hard := container(t, d).Resources.Limits.Memory(); soft.Cmp(*hard) >= 0 || soft.Value() < hard.Value()*3/4 {
		t.Errorf("GOMEMLIMIT %s does not fit the limit %s", soft.String(), hard.String())
	}
}

func selects(t *testing.T, selector *metav1.LabelSelector, d *appsv1.Deployment) bool {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return !s.Empty() && s.Matches(labels.Set(d.Spec.Template.Labels))
}

// flagsOf are the flags among a container's arguments.
func flagsOf(c *corev1.Container) map[string]string {
	args := map[string]string{}
	for _, arg := range c.Args {
		if name, value, _ := strings.Cut(arg, "="); strings.HasPrefix(name, "--") {
			args[name] = value
		}
	}
	return args
}

func variable(t *testing.T, d *appsv1.Deployment, name string) string {
	t.Helper()
	env := container(t, d).Env
	at := slices.IndexFunc(env, func(e corev1.EnvVar) bool { return e.Name == name })
	if at < 0 {
		t.Fatalf("%s: no variable %s", d.Name, name)
	}
	return env[at].Value
}

// The program takes every flag that it is given.
func TestFlagsExist(t *testing.T) {
	for _, d := range only[*appsv1.Deployment](base(t)) {
		c := container(t, d)
		var help, errOut bytes.Buffer
		var subcommand []string
		if !strings.HasPrefix(c.Args[0], "--") {
			subcommand = c.Args[:1]
		}
		if code := app.Main(slices.Concat(subcommand, []string{"--help"}), &help, &errOut); code != 0 {
			t.Fatalf("exit code %d: %s", code, errOut.String())
		}
		args := flagsOf(c)
		if len(args)+len(subcommand) != len(c.Args) {
			t.Errorf("%s: an argument is no flag: %q", d.Name, c.Args)
		}
		for name := range args {
			if !strings.Contains(help.String(), " "+name+" ") {
				t.Errorf("%s: no flag %s in the help of %s", d.Name, name, subcommand)
			}
		}
	}
}

// The base names one image without a tag, everywhere, and images: sets its tag.
func TestOneImage(t *testing.T) {
	k := readKustomization(t, "base")
	if len(k.Images) != 1 || k.Images[0].Name != imageName || k.Images[0].NewTag == "" {
		t.Errorf("images: %+v", k.Images)
	}
	all := base(t)
	for _, d := range only[*appsv1.Deployment](all) {
		if c := container(t, d); c.Image != imageName || c.ImagePullPolicy != corev1.PullIfNotPresent {
			t.Errorf("%s: image %s, pulled %s", d.Name, c.Image, c.ImagePullPolicy)
		}
	}
	webhook := named[*appsv1.Deployment](t, all, webhookName)
	if value := variable(t, webhook, "NETMODE_IMAGE"); value != imageName {
		t.Errorf("NETMODE_IMAGE is %q", value)
	}
	args := flagsOf(container(t, webhook))
	if args["--init-image"] != "$(NETMODE_IMAGE)" || args["--init-image-pull-policy"] != string(corev1.PullIfNotPresent) {
		t.Errorf("the init container's image: %v", args)
	}
}

// Each Service selects the pods of one Deployment, which have its ports.
func TestServices(t *testing.T) {
	all := base(t)
	want := map[string]map[string]int32{
		webhookName:            {"https": 443, "ops": 8080},
		"netmode-certificates": {"ops": 8080},
		"netmode-policies":     {"ops": 8080},
	}
	services := only[*corev1.Service](all)
	if len(services) != len(want) {
		t.Errorf("%d Services", len(services))
	}
	for _, service := range services {
		var selected []*appsv1.Deployment
		for _, d := range only[*appsv1.Deployment](all) {
			if selects(t, &metav1.LabelSelector{MatchLabels: service.Spec.Selector}, d) {
				selected = append(selected, d)
			}
		}
		if len(selected) != 1 || selected[0].Name != service.Name {
			t.Fatalf("%s selects %d Deployments", service.Name, len(selected))
		}
		ports := container(t, selected[0]).Ports
		for _, port := range service.Spec.Ports {
			if want[service.Name][port.Name] != port.Port {
				t.Errorf("%s: port %s is %d", service.Name, port.Name, port.Port)
			}
			if !slices.ContainsFunc(ports, func(p corev1.ContainerPort) bool { return p.Name == port.TargetPort.StrVal }) {
				t.Errorf("%s: no container port is called %q", service.Name, port.TargetPort.StrVal)
			}
		}
		if len(service.Spec.Ports) != len(want[service.Name]) {
			t.Errorf("%s: ports %+v", service.Name, service.Spec.Ports)
		}
	}
}
