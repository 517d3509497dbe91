package mode

import (
	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// Promise is what the API server itself holds of an object that asks for a mode, by
// its fields as all webhooks left it and whether netmode runs or not. It is in CEL:
// make generate writes it to deploy/kustomize/base/promises.yaml, whose variables it
// may use. The zero Promise promises nothing.
type Promise struct {
	// Variable is the CEL variable that is true for a Pod that asks for the mode, and Asked
	// its expression; "": only the mode's name asks for it.
	Variable, Asked string
	// Pod and Service must hold, each of its kind.
	Pod, Service []Held
	// Publishes says that a Service publishes addresses that are not ready, unless
	// its annotation says false.
	Publishes bool
}

// Held is one expression that must hold. Modes may have the same.
type Held struct {
	Expression string
	// Message begins with the field, and ends with a cure and a reason.
	Message string
}

// heldOfPod is a Held whose message gives the usual cause and cure.
func heldOfPod(expression, problem string) Held {
	return Held{expression, problem + ": another webhook asked for the mode after netmode had been called, or undid a change of netmode's: " +
		"write the annotation in the pod template, or keep that webhook from this object (" + string(plan.NotAsPromised) + ")"}
}

// heldOfService is heldOfPod for a Service.
func heldOfService(expression, problem string) Held {
	return Held{expression, problem + ": another webhook asked for the mode after netmode had been called, or undid a change of netmode's: " +
		"write the annotation in the Service, or keep that webhook from this object (" + string(plan.NotAsPromised) + ")"}
}

// heldSubdomain is for modes that give a pod a governing Service.
func heldSubdomain() Held {
	return heldOfPod("variables.subdomain != '' && variables.subdomain == variables.service",
		"spec.subdomain: Invalid value: is not the governing Service, as this mode needs it")
}

// heldHeadless is for modes that make a Service headless.
func heldHeadless() []Held {
	return []Held{
		heldOfService("object.spec.?clusterIP.orValue('') == '"+api.ClusterIPNone+"'",
			"spec.clusterIP: Invalid value: is not None, as this mode needs it"),
		heldOfService("variables.publish != 'true' || object.spec.?publishNotReadyAddresses.orValue(false)",
			"spec.publishNotReadyAddresses: Invalid value: false: is not true, as the mode or the annotation needs it"),
		heldOfService("variables.publish != 'false' || !object.spec.?publishNotReadyAddresses.orValue(false)",
			"spec.publishNotReadyAddresses: Invalid value: true: is not false, as the annotation needs it"),
	}
}

// StatusBegins is what the status of a pod begins with that has a mode from a
// source. It is contract: CEL has no JSON, and reads the status by it.
func StatusBegins(mode string, source plan.Source) string {
	return `{"mode":"` + mode + `","source":"` + string(source) + `"`
}
