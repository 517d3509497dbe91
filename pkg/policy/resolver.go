package policy

import (
	"fmt"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
)

// maxResolverOptions is more than there are names of them.
const maxResolverOptions = 16

func checkResolver(options []api.ResolverOption, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if len(options) == 0 {
		errs = append(errs, field.Required(path, "list the options, or leave resolver out"))
	}
	if len(options) > maxResolverOptions {
		return append(errs, field.TooMany(path, len(options), maxResolverOptions))
	}
	for i, o := range options {
		at := path.Index(i)
		if slices.ContainsFunc(options[:i], func(other api.ResolverOption) bool { return other.Name == o.Name }) {
			errs = append(errs, field.Duplicate(at, o.Name))
		}
		if !slices.Contains(api.ResolverOptionNames(), o.Name) {
			errs = append(errs, field.NotSupported(at.Child("name"), o.Name, api.ResolverOptionNames()))
		} else if problem := wrongValue(o); problem != "" {
			errs = append(errs, field.Invalid(at.Child("value"), o.Value, problem))
		}
	}
	return errs
}

// wrongValue says what is wrong with the value of a known option; empty: nothing.
func wrongValue(o api.ResolverOption) string {
	most := o.Name.Most()
	if most == 0 {
		if o.Value != "" {
			return "this option has none: remove value"
		}
		return ""
	}
	if n, err := strconv.Atoi(o.Value); err != nil || n < 1 || n > most || strconv.Itoa(n) != o.Value {
		return fmt.Sprintf("must be a number from 1 to %d, in quotes", most)
	}
	return ""
}
