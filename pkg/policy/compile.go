// Package policy selects the NetworkModePolicies of an object and judges it
// under them.
//
// [Compile] makes a [Policy] of a NetworkModePolicy, or says what is wrong with
// it. A policy gives and forbids. What it gives, a [Set] tells: [Set.Default],
// [Set.SearchRewrite] and [Set.Resolver]. What it forbids stands here twice:
// [Policy.AdmissionPolicies] in CEL, for the API server to enforce, and
// [Set.JudgePod] and [Set.JudgeService] in Go, for those who ask without one.
//
// The package is pure: policies are values, made ready once and asked often.
package policy

import (
	"cmp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
)

// Policy is a NetworkModePolicy with its selectors made ready.
type Policy struct {
	Name        string
	Spec        api.NetworkModePolicySpec
	Enforcement api.Enforcement

	namespaces labels.Selector
	pods       labels.Selector // nil: all pods, and Services
}

// maxExtraSearches leaves room for the cluster's own search domains and the
// pod's: Kubernetes allows 32 in all.
const maxExtraSearches = 16

// Compile makes a policy ready, or says all that is wrong with it, as the API
// server does for the CustomResourceDefinition: each error names the field, the
// value and the cure.
func Compile(p *api.NetworkModePolicy) (*Policy, field.ErrorList) {
	spec := &p.Spec
	compiled := &Policy{Name: p.Metadata.Name, Spec: *spec, Enforcement: cmp.Or(spec.Enforcement, api.EnforcementDeny)}
	path := field.NewPath("spec")
	var errs field.ErrorList
	if p.Metadata.Name == "" {
		errs = append(errs, field.Required(field.NewPath("metadata", "name"), "a policy has a name"))
	}
	if spec.NamespaceSelector == nil {
		errs = append(errs, field.Required(path.Child("namespaceSelector"), "write {} to select all namespaces"))
	}
	compiled.namespaces = compileSelector(spec.NamespaceSelector.LabelSelector(), path.Child("namespaceSelector"), &errs)
	if spec.PodSelector != nil {
		compiled.pods = compileSelector(spec.PodSelector.LabelSelector(), path.Child("podSelector"), &errs)
	}
	errs = append(errs, checkModes(spec, path)...)
	if !slices.Contains(api.Enforcements(), compiled.Enforcement) {
		errs = append(errs, field.NotSupported(path.Child("enforcement"), spec.Enforcement, api.Enforcements()))
	}
	if compiled.Enforcement == api.EnforcementAudit {
		errs = append(errs, checkAudit(spec, path)...)
	}
	if spec.HostNetwork != nil && spec.HostNetwork.PortRange != nil {
		errs = append(errs, checkPortRange(*spec.HostNetwork.PortRange, path.Child("hostNetwork", "portRange"))...)
	}
	if spec.SearchRewrite != nil {
		errs = append(errs, checkSearchRewrite(spec.SearchRewrite, path.Child("searchRewrite"))...)
	}
	if spec.Resolver != nil {
		errs = append(errs, checkResolver(spec.Resolver.Options, path.Child("resolver", "options"))...)
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return compiled, nil
}

func compileSelector(s *metav1.LabelSelector, path *field.Path, errs *field.ErrorList) labels.Selector {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		*errs = append(*errs, field.Invalid(path, metav1.FormatLabelSelector(s), err.Error()))
		return labels.Nothing()
	}
	return selector
}

func checkModes(spec *api.NetworkModePolicySpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if m := spec.DefaultMode; m != "" && !m.Valid() {
		errs = append(errs, field.NotSupported(path.Child("defaultMode"), m, api.Modes()))
	}
	if spec.DefaultMode == api.ModeDefault && refusesDefault(spec) {
		errs = append(errs, field.Invalid(path.Child("defaultMode"), spec.DefaultMode, "is no mode that satisfies requireMode: choose another, or remove requireMode"))
	}
	if spec.AllowedModes == nil {
		return errs
	}
	allowed := path.Child("allowedModes")
	if len(spec.AllowedModes) == 0 {
		errs = append(errs, field.Invalid(allowed, "[]", "is empty: list the modes that may be asked for, or leave allowedModes out to allow all"))
	}
	for i, m := range spec.AllowedModes {
		switch {
		case !m.Valid():
			errs = append(errs, field.NotSupported(allowed.Index(i), m, api.Modes()))
		case slices.Contains(spec.AllowedModes[:i], m):
			errs = append(errs, field.Duplicate(allowed.Index(i), m))
		}
	}
	if m := spec.DefaultMode; m.Valid() && m != api.ModeDefault && len(spec.AllowedModes) > 0 && !slices.Contains(spec.AllowedModes, m) {
		errs = append(errs, field.Invalid(path.Child("defaultMode"), m, "is not among allowedModes: add it there, or choose another"))
	}
	return errs
}

// checkAudit refuses what an Audit policy would have to change.
func checkAudit(spec *api.NetworkModePolicySpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	const cure = "an Audit policy changes nothing: remove it, or choose enforcement Warn or Deny"
	if spec.DefaultMode != "" {
		errs = append(errs, field.Invalid(path.Child("defaultMode"), spec.DefaultMode, cure))
	}
	if spec.SearchRewrite != nil {
		errs = append(errs, field.Invalid(path.Child("searchRewrite"), string(spec.SearchRewrite.Strategy), cure))
	}
	if spec.Resolver != nil {
		errs = append(errs, field.Forbidden(path.Child("resolver"), cure))
	}
	return errs
}

func checkPortRange(r api.PortRange, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, end := range []struct {
		name  string
		value int32
	}{{"min", r.Min}, {"max", r.Max}} {
		if problems := validation.IsValidPortNum(int(end.value)); len(problems) > 0 {
			errs = append(errs, field.Invalid(path.Child(end.name), end.value, problems[0]))
		}
	}
	if r.Min > r.Max {
		errs = append(errs, field.Invalid(path.Child("min"), r.Min, "is more than max: exchange min and max"))
	}
	return errs
}

func checkSearchRewrite(r *api.PolicyRewrite, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if r.Strategy != "" && !slices.Contains(api.SearchRewrites(), r.Strategy) {
		errs = append(errs, field.NotSupported(path.Child("strategy"), r.Strategy, api.SearchRewrites()))
	}
	extra := path.Child("extraSearches")
	if r.Strategy == "" && len(r.ExtraSearches) == 0 {
		errs = append(errs, field.Required(path, "write a strategy or extraSearches, or leave searchRewrite out"))
	}
	if r.Strategy == api.SearchNone && len(r.ExtraSearches) > 0 {
		errs = append(errs, field.Invalid(path.Child("strategy"), r.Strategy, "adds no extraSearches: remove them, or choose another strategy"))
	}
	if len(r.ExtraSearches) > maxExtraSearches {
		errs = append(errs, field.TooMany(extra, len(r.ExtraSearches), maxExtraSearches))
	}
	for i, domain := range r.ExtraSearches {
		switch problems := validation.IsDNS1123Subdomain(domain); {
		case len(problems) > 0:
			errs = append(errs, field.Invalid(extra.Index(i), domain, problems[0]))
		case slices.Contains(r.ExtraSearches[:i], domain):
			errs = append(errs, field.Duplicate(extra.Index(i), domain))
		}
	}
	return errs
}

// SelectsNamespace says whether the policy is for the pods of a namespace with
// these labels.
func (p *Policy) SelectsNamespace(namespaceLabels map[string]string) bool {
	return p.namespaces.Matches(labels.Set(namespaceLabels))
}

// givesIn says whether nothing that the policy gives to pods that ask for nothing
// is lost in a namespace with these labels: it gives defaultMode by the one that
// is for policies, searchRewrite and resolver by the other, too.
func (p *Policy) givesIn(namespaceLabels map[string]string) bool {
	if namespaceLabels[api.LabelPolicy] == api.PolicyEnabled {
		return true
	}
	_, hasMode := namespaceLabels[api.LabelMode]
	return p.Spec.DefaultMode == "" && (hasMode || p.Spec.SearchRewrite == nil && p.Spec.Resolver == nil)
}

func (p *Policy) selectsAllPods() bool { return p.pods == nil || p.pods.Empty() }

// Set holds policies, the one with the first say first: the highest priority,
// then the lowest name. The zero Set is empty. A Set does not change.
type Set struct{ policies []*Policy }

// NewSet puts the policies in their order.
func NewSet(policies []*Policy) Set {
	ordered := slices.Clone(policies)
	slices.SortFunc(ordered, func(a, b *Policy) int {
		return cmp.Or(cmp.Compare(b.Spec.Priority, a.Spec.Priority), strings.Compare(a.Name, b.Name))
	})
	return Set{ordered}
}

// Policies returns them in their order; the slice is not the caller's to change.
func (s Set) Policies() []*Policy { return s.policies }

// ForNamespace returns the policies for a namespace with these labels.
func (s Set) ForNamespace(namespaceLabels map[string]string) Set {
	return s.filter(func(p *Policy) bool { return p.SelectsNamespace(namespaceLabels) })
}

// ForPod returns those for a pod with these labels, of a Set for its namespace.
func (s Set) ForPod(podLabels map[string]string) Set {
	return s.filter(func(p *Policy) bool { return p.pods == nil || p.pods.Matches(labels.Set(podLabels)) })
}

// ForService returns those for Services, of a Set for their namespace: the
// policies that do not choose pods.
func (s Set) ForService() Set {
	return s.filter(func(p *Policy) bool { return p.pods == nil })
}

// filter allocates nothing where all or none stay.
func (s Set) filter(keep func(*Policy) bool) Set {
	first := slices.IndexFunc(s.policies, func(p *Policy) bool { return !keep(p) })
	if first < 0 {
		return s
	}
	kept := s.policies[:first:first]
	for _, p := range s.policies[first+1:] {
		if keep(p) {
			kept = append(kept, p)
		}
	}
	return Set{kept}
}

// NotAllowed returns the modes that a policy of the set refuses, in the order of
// api.Modes.
func (s Set) NotAllowed() []api.Mode {
	if !slices.ContainsFunc(s.policies, (*Policy).restricts) {
		return nil // as for most pods: every one is asked about
	}
	var refused []api.Mode
	for _, m := range api.Modes() {
		if slices.ContainsFunc(s.policies, func(p *Policy) bool { return p.restricts() && !p.permits(m) }) {
			refused = append(refused, m)
		}
	}
	return refused
}

// Default returns the mode of pods that ask for none, and the policy that says
// so; nil: none does.
func (s Set) Default() (api.Mode, *Policy) {
	for _, p := range s.policies {
		if p.Spec.DefaultMode != "" {
			return p.Spec.DefaultMode, p
		}
	}
	return "", nil
}

// SearchRewrite returns the one policy whose searchRewrite counts; nil: none
// has one.
func (s Set) SearchRewrite() *Policy {
	return s.first(func(p *Policy) bool { return p.Spec.SearchRewrite != nil })
}

// Resolver is SearchRewrite for resolver.
func (s Set) Resolver() *Policy {
	return s.first(func(p *Policy) bool { return p.Spec.Resolver != nil })
}

func (s Set) first(gives func(*Policy) bool) *Policy {
	if i := slices.IndexFunc(s.policies, gives); i >= 0 {
		return s.policies[i]
	}
	return nil
}
