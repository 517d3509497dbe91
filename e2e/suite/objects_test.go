package suite

import (
	"maps"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/netmode-io/netmode/e2e/nodeimage"
	"github.com/netmode-io/netmode/pkg/api"
)

const (
	// servePort is where the test pods answer HTTP.
	servePort = 8080
	// domain is the cluster's, as kubeadm sets it.
	domain = "cluster.local"
	// shell and distroless are containers of the busybox and of the peercheck image.
	shell      = "shell"
	distroless = "distroless"
)

// mode is the annotation that asks for a mode, with more pairs of key and value behind it.
func mode(m api.Mode, more ...string) map[string]string {
	annotations := map[string]string{api.AnnotationMode: string(m)}
	for i := 0; i+1 < len(more); i += 2 {
		annotations[more[i]] = more[i+1]
	}
	return annotations
}

func appLabel(app string) map[string]string { return map[string]string{"app": app} }

// service selects the pods with label app=name.
func service(name string, annotations map[string]string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations},
		Spec: corev1.ServiceSpec{
			Selector: appLabel(name),
			Ports:    []corev1.ServicePort{{Name: "http", Port: servePort, TargetPort: intstr.FromInt32(servePort)}},
		},
	}
}

// shellContainer has a shell and waits.
func shellContainer() corev1.Container {
	return corev1.Container{Name: shell, Image: nodeimage.BusyboxImage, ImagePullPolicy: corev1.PullNever, Command: []string{"sleep", "100000"}}
}

// distrolessContainer has no shell; it answers HTTP on servePort, or on another port.
func distrolessContainer(port ...int32) corev1.Container {
	listen := int32(servePort)
	if len(port) > 0 {
		listen = port[0]
	}
	return peercheck(listen, "serve", "--listen", ":"+strconv.Itoa(int(listen)))
}

// peercheck is a distroless container with these arguments, ready when /ready says so.
func peercheck(port int32, args ...string) corev1.Container {
	return corev1.Container{
		Name: distroless, Image: nodeimage.PeercheckImage, ImagePullPolicy: corev1.PullNever, Args: args,
		Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: port}},
		ReadinessProbe: &corev1.Probe{
			ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/ready", Port: intstr.FromInt32(port)}},
			PeriodSeconds: 1,
		},
	}
}

// template is a pod with label app=app. It ends at once when it is deleted.
func template(app string, annotations map[string]string, containers ...corev1.Container) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: appLabel(app), Annotations: annotations},
		Spec: corev1.PodSpec{
			Containers:                    containers,
			TerminationGracePeriodSeconds: new(int64(1)),
			AutomountServiceAccountToken:  new(false),
			EnableServiceLinks:            new(false),
		},
	}
}

func pod(name string, annotations map[string]string, containers ...corev1.Container) *corev1.Pod {
	t := template(name, annotations, containers...)
	t.Name = name
	return &corev1.Pod{ObjectMeta: t.ObjectMeta, Spec: t.Spec}
}

func deployment(name string, replicas int32, t corev1.PodTemplateSpec) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: maps.Clone(t.Labels)},
			Strategy: appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType},
			Template: t,
		},
	}
}

// statefulSet starts its pods all at once.
func statefulSet(name, service string, replicas int32, t corev1.PodTemplateSpec) *appsv1.StatefulSet {
	t.Labels["set"] = name
	return &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.StatefulSetSpec{
			Replicas:            &replicas,
			ServiceName:         service,
			PodManagementPolicy: appsv1.ParallelPodManagement,
			Selector:            &metav1.LabelSelector{MatchLabels: maps.Clone(t.Labels)},
			Template:            t,
		},
	}
}

// apart keeps pods with the label off each other's node.
func apart(spec *corev1.PodSpec, label, value string) {
	spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{label: value}},
			TopologyKey:   corev1.LabelHostname,
		}},
	}}
}
