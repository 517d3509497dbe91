package admission

import (
	"reflect"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/jsonprune"
	"github.com/netmode-io/netmode/pkg/workload"
)

// markOld comes before the marks of the pod templates in a review's oldObject. A
// template's mark is its field.
const markOld = "old "

// mostWords is more than is read of the command of a container, and of its args: the
// longest is that of netmode wait, with the pod itself and all names that it may wait for.
const mostWords = 8 + api.MaxWaitNames

// mostValues is enough to see that an expression, or a term, has more than one.
const mostValues = 2

// reviewShape is what is read of a review. Of lists and maps it holds one more
// than netmode looks at, so that it shows where there are too many; of the
// environment what is netmode's.
func reviewShape() *jsonprune.Shape {
	object := withTemplates(bounded(jsonprune.ShapeOf(reflect.TypeFor[api.Pod](), reflect.TypeFor[api.Service](), workload.View())), "")
	old := withTemplates(bounded(jsonprune.ShapeOf(workload.View())), markOld)
	request := jsonprune.ShapeOf(reflect.TypeFor[request]()).With("object", object).With("oldObject", old)
	request.Member("userInfo").Limit(api.MaxItems)
	return jsonprune.ShapeOf(reflect.TypeFor[review]()).With("request", request)
}

// withTemplates gives a workload's shape that of its pod template.
func withTemplates(object *jsonprune.Shape, mark string) *jsonprune.Shape {
	template := bounded(jsonprune.ShapeOf(reflect.TypeFor[api.Pod]()))
	spec := jsonprune.ShapeOf(workload.View()).Member("spec")
	cron := object.Member("spec", "jobTemplate").With("spec", spec.With("template", template.Marked(mark+workload.CronJobTemplateField)))
	return object.With("spec", object.Member("spec").With("template", template.Marked(mark+workload.TemplateField)).With("jobTemplate", cron))
}

func bounded(object *jsonprune.Shape) *jsonprune.Shape {
	object.Limit(api.MaxItems + 1)
	object.Member("metadata", "annotations").First(api.ReadsAnnotation, api.MaxAnnotations+1, true)
	object.Member("metadata", "labels").First(api.IsOwn, api.MaxItems+1, false)
	if containers := object.Member("spec", "containers"); containers != nil {
		containers.Most(api.MaxContainers + 1)
		object.Member("spec", "initContainers").Most(api.MaxInitContainers + 1)
		object.Member("spec", "dnsConfig", "searches").Most(api.MaxSearches + 1)
		terms := object.Member("spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
		terms.Member("matchExpressions").Most(api.MaxExpressions)
		terms.Member("matchExpressions", "values").Most(mostValues)
		terms.Member("matchFields").Most(mostValues)
		terms.Member("matchFields", "values").Most(mostValues)
		for _, list := range []string{"containers", "initContainers"} {
			object.Member("spec", list, "command").Most(mostWords)
			object.Member("spec", list, "args").Most(mostWords)
			object.Member("spec", list, "env").Only("name", api.EnvHostname)
			object.Member("spec", list, "securityContext", "capabilities", "add").Most(api.MaxCapabilities)
		}
	}
	return object
}
