package admission

import (
	"reflect"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/jsonprune"
	"github.com/netmode-io/netmode/pkg/manifest"
)

// Marks of the pod templates in a review.
const (
	markTemplate     = "spec.template"
	markCronTemplate = "spec.jobTemplate.spec.template"
	markOld          = "old "
)

// mostWords is more than is read of the command of a container.
const mostWords = 8

// reviewShape is what is read of a review. Of lists and maps it holds one more
// than netmode looks at, so that it shows where there are too many.
func reviewShape() *jsonprune.Shape {
	pod, workload := reflect.TypeFor[api.Pod](), manifest.WorkloadType()
	object := withTemplates(bounded(jsonprune.ShapeOf(pod, reflect.TypeFor[api.Service](), workload)), "")
	var metadata struct {
		Metadata api.ObjectMeta `json:"metadata"`
	}
	old := withTemplates(bounded(jsonprune.ShapeOf(reflect.TypeOf(metadata), workload)), markOld)
	request := jsonprune.ShapeOf(reflect.TypeFor[request]()).With("object", object).With("oldObject", old)
	request.Member("userInfo").Limit(api.MaxItems)
	return jsonprune.ShapeOf(reflect.TypeFor[review]()).With("request", request)
}

// withTemplates gives a workload's shape that of its pod template.
func withTemplates(object *jsonprune.Shape, mark string) *jsonprune.Shape {
	template := bounded(jsonprune.ShapeOf(reflect.TypeFor[api.Pod]()))
	spec := jsonprune.ShapeOf(manifest.WorkloadType()).Member("spec")
	cron := object.Member("spec", "jobTemplate").With("spec", spec.With("template", template.Marked(mark+markCronTemplate)))
	return object.With("spec", object.Member("spec").With("template", template.Marked(mark+markTemplate)).With("jobTemplate", cron))
}

func bounded(object *jsonprune.Shape) *jsonprune.Shape {
	object.Limit(api.MaxItems + 1)
	object.Member("metadata", "annotations").First(api.ReadsAnnotation, api.MaxAnnotations+1, true)
	object.Member("metadata", "labels").First(api.IsOwn, api.MaxItems+1, false)
	if containers := object.Member("spec", "containers"); containers != nil {
		containers.Most(api.MaxContainers + 1)
		object.Member("spec", "initContainers").Most(api.MaxInitContainers + 1)
		object.Member("spec", "dnsConfig", "searches").Most(api.MaxSearches + 1)
		for _, list := range []string{"containers", "initContainers"} {
			object.Member("spec", list, "command").Most(mostWords)
		}
	}
	return object
}
