package api

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// DNS policies of the Pod API (corev1.DNSPolicy).
const (
	DNSClusterFirst            = "ClusterFirst"
	DNSClusterFirstWithHostNet = "ClusterFirstWithHostNet"
	DNSDefault                 = "Default"
	DNSNone                    = "None"
)

// Pod is the part of a Pod that a decision reads.
type Pod struct {
	Metadata ObjectMeta `json:"metadata"`
	Spec     PodSpec    `json:"spec"`
}

// Meta is the pod's metadata.
func (p *Pod) Meta() *ObjectMeta { return &p.Metadata }

// PodSpec is the part of corev1.PodSpec that a decision reads.
type PodSpec struct {
	HostNetwork       bool                   `json:"hostNetwork"`
	HostUsers         *bool                  `json:"hostUsers"`
	Hostname          string                 `json:"hostname"`
	Subdomain         string                 `json:"subdomain"`
	HostnameOverride  *string                `json:"hostnameOverride"`
	SetHostnameAsFQDN *bool                  `json:"setHostnameAsFQDN"`
	DNSPolicy         string                 `json:"dnsPolicy"`
	DNSConfig         *PodDNSConfig          `json:"dnsConfig"`
	OS                *PodOS                 `json:"os"`
	NodeSelector      map[string]string      `json:"nodeSelector"`
	Affinity          *Affinity              `json:"affinity"`
	SecurityContext   *PodSecurityContext    `json:"securityContext"`
	ImagePullSecrets  []LocalObjectReference `json:"imagePullSecrets"`
	PriorityClassName string                 `json:"priorityClassName"`
	RestartPolicy     string                 `json:"restartPolicy"`
	InitContainers    []Container            `json:"initContainers"`
	Containers        []Container            `json:"containers"`
}

// SystemCritical says whether the pod has one of the two priority classes that
// are built in, for what a node or the cluster cannot do without.
// Source: https://kubernetes.io/docs/tasks/administer-cluster/guaranteed-scheduling-critical-addon-pods/
func (s *PodSpec) SystemCritical() bool {
	return slices.Contains(SystemCriticalClasses(), s.PriorityClassName)
}

// SystemCriticalClasses are the two priority classes of SystemCritical.
func SystemCriticalClasses() []string {
	return []string{"system-cluster-critical", "system-node-critical"}
}

// PodDNSConfig is corev1.PodDNSConfig. It is also written, so empty members
// are left out.
type PodDNSConfig struct {
	Nameservers []string             `json:"nameservers,omitempty"`
	Searches    []string             `json:"searches,omitempty"`
	Options     []PodDNSConfigOption `json:"options,omitempty"`
}

// PodDNSConfigOption is corev1.PodDNSConfigOption.
type PodDNSConfigOption struct {
	Name  string  `json:"name,omitempty"`
	Value *string `json:"value,omitempty"`
}

// PodOS is corev1.PodOS.
type PodOS struct {
	Name string `json:"name"`
}

// LocalObjectReference is corev1.LocalObjectReference.
type LocalObjectReference struct {
	Name string `json:"name"`
}

// PodSecurityContext is the part of corev1.PodSecurityContext that a decision reads.
type PodSecurityContext struct {
	RunAsUser      *int64          `json:"runAsUser"`
	RunAsNonRoot   *bool           `json:"runAsNonRoot"`
	Sysctls        []Sysctl        `json:"sysctls"`
	WindowsOptions *WindowsOptions `json:"windowsOptions"`
}

// WindowsOptions is the part of corev1.WindowsSecurityContextOptions that a
// decision reads.
type WindowsOptions struct {
	HostProcess bool `json:"hostProcess"`
}

// Sysctl is the part of corev1.Sysctl that a decision reads.
type Sysctl struct {
	Name string `json:"name"`
}

// Container is the part of corev1.Container that a decision reads.
type Container struct {
	Name            string           `json:"name"`
	Command         []string         `json:"command"`
	Args            []string         `json:"args"`
	Env             []EnvVar         `json:"env"`
	Ports           []ContainerPort  `json:"ports"`
	RestartPolicy   *string          `json:"restartPolicy"`
	SecurityContext *SecurityContext `json:"securityContext"`
	Lifecycle       *Lifecycle       `json:"lifecycle"`
}

// EnvVar is the part of corev1.EnvVar that a decision reads. Of a review only those of
// the name EnvHostname are left.
type EnvVar struct {
	Name  string  `json:"name"`
	Value Literal `json:"value"`
}

// Literal is a text; what is none, as a number is that lacks its quotes, counts as
// empty, since it is the API server's to refuse.
type Literal string

// UnmarshalJSONFrom reads any JSON value.
func (l *Literal) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*l = ""
	if dec.PeekKind() != '"' {
		return dec.SkipValue()
	}
	return json.UnmarshalDecode(dec, (*string)(l))
}

// ContainerPort is corev1.ContainerPort.
type ContainerPort struct {
	Name          string `json:"name"`
	HostPort      int32  `json:"hostPort"`
	ContainerPort int32  `json:"containerPort"`
	Protocol      string `json:"protocol"`
	HostIP        string `json:"hostIP"`
}

// SecurityContext is the part of corev1.SecurityContext that a decision reads.
type SecurityContext struct {
	RunAsUser              *int64        `json:"runAsUser"`
	RunAsNonRoot           *bool         `json:"runAsNonRoot"`
	ReadOnlyRootFilesystem *bool         `json:"readOnlyRootFilesystem"`
	Privileged             *bool         `json:"privileged"`
	Capabilities           *Capabilities `json:"capabilities"`
}

// Capabilities is the part of corev1.Capabilities that a decision reads: the first
// MaxCapabilities.
type Capabilities struct {
	Add []string `json:"add"`
}

// GivesNetAdmin reports whether a capability that is added is, or includes, the one to
// administer a network. The kubelet hands on what is written; containerd reads it in
// any case, and CRI-O with CAP_ before it as well.
func GivesNetAdmin(capability string) bool {
	const prefix = "CAP_"
	if len(capability) > len(prefix) && strings.EqualFold(capability[:len(prefix)], prefix) {
		capability = capability[len(prefix):]
	}
	return strings.EqualFold(capability, "NET_ADMIN") || strings.EqualFold(capability, "ALL")
}

// Lifecycle is the part of corev1.Lifecycle that a decision reads.
type Lifecycle struct {
	PostStart *LifecycleHandler `json:"postStart"`
}

// LifecycleHandler is corev1.LifecycleHandler; of every action but exec only
// its presence is read.
type LifecycleHandler struct {
	Exec      *ExecAction `json:"exec"`
	HTTPGet   *struct{}   `json:"httpGet"`
	TCPSocket *struct{}   `json:"tcpSocket"`
	Sleep     *struct{}   `json:"sleep"`
}

// ExecAction is corev1.ExecAction.
type ExecAction struct {
	Command []string `json:"command"`
}

// Windows returns the field that makes the pod one for Windows nodes: spec.os, its
// node selector, a HostProcess container's option or a required node affinity; nil:
// none does.
func (p *Pod) Windows() *field.Path {
	spec, path := &p.Spec, field.NewPath("spec")
	if spec.OS != nil && spec.OS.Name == windows {
		return path.Child("os", "name")
	}
	for _, label := range osLabels() {
		if spec.NodeSelector[label] == windows {
			return path.Child("nodeSelector").Key(label)
		}
	}
	if s := spec.SecurityContext; s != nil && s.WindowsOptions != nil && s.WindowsOptions.HostProcess {
		return path.Child("securityContext", "windowsOptions", "hostProcess")
	}
	if spec.Affinity.requiresWindows() {
		return path.Child("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
	}
	return nil
}

// Restartable reports whether an init container keeps running beside the
// containers (KEP-753).
func (c *Container) Restartable() bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == "Always"
}

// Searches returns the pod's own search domains.
func (p *Pod) Searches() []string {
	if p.Spec.DNSConfig == nil {
		return nil
	}
	return p.Spec.DNSConfig.Searches
}
