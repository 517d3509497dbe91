package kustomize_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// rights are what each ServiceAccount may do: where, and one line for each resource.
func rights(t *testing.T, all []runtime.Object) map[string][]string {
	t.Helper()
	may := map[string][]string{}
	grant := func(subjects []rbacv1.Subject, where string, rules []rbacv1.PolicyRule) {
		for _, s := range subjects {
			if s.Kind != rbacv1.ServiceAccountKind || s.Namespace != ownNamespace || s.APIGroup != "" {
				t.Errorf("rights for %+v", s)
			}
			for _, rule := range rules {
				for _, resource := range rule.Resources {
					line := fmt.Sprintf("%s: %s %s/%s", where, strings.Join(rule.Verbs, ","), strings.Join(rule.APIGroups, ","), resource)
					if len(rule.ResourceNames) > 0 {
						line += " " + strings.Join(rule.ResourceNames, ",")
					}
					may[s.Name] = append(may[s.Name], line)
				}
			}
		}
	}
	for _, b := range only[*rbacv1.ClusterRoleBinding](all) {
		if b.RoleRef.APIGroup != rbacv1.GroupName || b.RoleRef.Kind != "ClusterRole" {
			t.Errorf("%s binds %+v", b.Name, b.RoleRef)
		}
		grant(b.Subjects, "cluster", named[*rbacv1.ClusterRole](t, all, b.RoleRef.Name).Rules)
	}
	for _, b := range only[*rbacv1.RoleBinding](all) {
		if b.RoleRef.APIGroup != rbacv1.GroupName || b.RoleRef.Kind != "Role" {
			t.Errorf("%s binds %+v", b.Name, b.RoleRef)
		}
		grant(b.Subjects, b.Namespace, named[*rbacv1.Role](t, all, b.RoleRef.Name).Rules)
	}
	return may
}

// No more than this. That it is enough is tested by running under it.
func TestRights(t *testing.T) {
	want := map[string][]string{
		"netmode-webhook": {
			"cluster: get,list,watch /namespaces",
			"cluster: list,watch /services",
			"cluster: list,watch policy.netmode.io/networkmodepolicies",
		},
		"netmode-policies": {
			"cluster: list,watch /namespaces",
			"cluster: get,list,watch policy.netmode.io/networkmodepolicies",
			"cluster: patch policy.netmode.io/networkmodepolicies/status",
			"cluster: create,get,list,watch,patch,delete admissionregistration.k8s.io/validatingadmissionpolicies",
			"cluster: create,get,list,watch,patch,delete admissionregistration.k8s.io/validatingadmissionpolicybindings",
			"cluster: get,delete admissionregistration.k8s.io/validatingwebhookconfigurations netmode",
		},
		"netmode-certificates": {
			"cluster: get,list,watch,patch admissionregistration.k8s.io/mutatingwebhookconfigurations netmode",
			"netmode-system: get,list,watch,update /secrets netmode-webhook-tls,netmode-webhook-tls-ca",
		},
	}
	if diff := cmp.Diff(want, rights(t, base(t))); diff != "" {
		t.Error(diff)
	}
}

// Each Deployment has a ServiceAccount of its own, and says itself that it uses the token.
func TestServiceAccounts(t *testing.T) {
	all := base(t)
	var used []string
	for _, d := range only[*appsv1.Deployment](all) {
		pod := d.Spec.Template.Spec
		used = append(used, pod.ServiceAccountName)
		account := named[*corev1.ServiceAccount](t, all, pod.ServiceAccountName)
		if account.AutomountServiceAccountToken == nil || *account.AutomountServiceAccountToken {
			t.Errorf("%s: any pod would get its token", account.Name)
		}
		if pod.AutomountServiceAccountToken == nil || !*pod.AutomountServiceAccountToken {
			t.Errorf("%s: gets no token", d.Name)
		}
	}
	slices.Sort(used)
	if want := []string{"netmode-certificates", "netmode-policies", "netmode-webhook"}; !slices.Equal(used, want) {
		t.Errorf("ServiceAccounts in use: %q", used)
	}
	if accounts := only[*corev1.ServiceAccount](all); len(accounts) != len(used) {
		t.Errorf("%d ServiceAccounts", len(accounts))
	}
}
