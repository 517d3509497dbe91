package api

// PolicyResolver is what the resolv.conf of pods gets beside names to search.
//
// +kubebuilder:validation:XValidation:rule=`has(self.options) && self.options.size() > 0`,fieldPath=`.options`,reason=FieldValueRequired,message=`list the options, or leave resolver out`
type PolicyResolver struct {
	// Options of resolv.conf, as in a pod's dnsConfig.options; resolv.conf(5) says what each
	// does. What the pod itself sets stays. Example:
	//   - name: ndots
	//     value: "2"
	//
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Options []ResolverOption `json:"options"`
}

// ResolverOption is one option of resolv.conf.
//
// +kubebuilder:validation:XValidation:rule=`self.name in ['ndots', 'timeout', 'attempts'] || !has(self.value) || self.value.size() == 0`,fieldPath=`.value`,message=`this option has none: remove value`
// +kubebuilder:validation:XValidation:rule=`self.name != 'ndots' || has(self.value) && self.value.matches('^([1-9]|1[0-5])$')`,fieldPath=`.value`,message=`must be a number from 1 to 15, in quotes`
// +kubebuilder:validation:XValidation:rule=`self.name != 'timeout' || has(self.value) && self.value.matches('^([1-9]|[12][0-9]|30)$')`,fieldPath=`.value`,message=`must be a number from 1 to 30, in quotes`
// +kubebuilder:validation:XValidation:rule=`self.name != 'attempts' || has(self.value) && self.value.matches('^[1-5]$')`,fieldPath=`.value`,message=`must be a number from 1 to 5, in quotes`
type ResolverOption struct {
	// The option's name. Example: ndots
	//
	// +required
	Name ResolverOptionName `json:"name"`
	// The number of ndots (1 to 15), timeout (1 to 30, in seconds) and attempts (1 to 5), in
	// quotes. The other options have none. Example: "2"
	//
	// +kubebuilder:validation:MaxLength=16
	Value string `json:"value"`
}

// ResolverOptionName names an option that resolvers know (resolv.conf(5)).
//
// +kubebuilder:validation:Enum=ndots;timeout;attempts;rotate;single-request;single-request-reopen;use-vc;edns0;trust-ad;no-aaaa;no-tld-query;no-check-names;no-reload
type ResolverOptionName string

// The options whose names netmode's own rules read.
const (
	OptionNdots               ResolverOptionName = "ndots"
	OptionSingleRequest       ResolverOptionName = "single-request"
	OptionSingleRequestReopen ResolverOptionName = "single-request-reopen"
)

// ResolverOptionNames returns the closed list, in the order of the schema.
func ResolverOptionNames() []ResolverOptionName {
	return []ResolverOptionName{OptionNdots, "timeout", "attempts", "rotate", OptionSingleRequest, OptionSingleRequestReopen,
		"use-vc", "edns0", "trust-ad", "no-aaaa", "no-tld-query", "no-check-names", "no-reload"}
}

// Most is the highest number that the option may have, 1 being the lowest; 0: it has none.
func (n ResolverOptionName) Most() int {
	switch n {
	case OptionNdots:
		return 15
	case "timeout":
		return 30
	case "attempts":
		return 5
	default:
		return 0
	}
}
