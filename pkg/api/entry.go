package api

// Entry is an entry of the MutatingWebhookConfiguration. Each object is sent to
// one at most.
type Entry string

// The entries.
const (
	// EntryAsked has Pods and Services with an author's annotation.
	EntryAsked Entry = "asked"
	// EntryNamespace has other Pods, of namespaces with a mode.
	EntryNamespace Entry = "namespace"
	// EntryPolicy has other Pods, of namespaces to which policies may give something.
	// What they give is help, and no rule: what cannot be judged is let through.
	EntryPolicy Entry = "policy"
	// EntryWorkloads has the objects that make pods.
	EntryWorkloads Entry = "workloads"
)

// Entries returns the closed list.
func Entries() []Entry {
	return []Entry{EntryAsked, EntryNamespace, EntryPolicy, EntryWorkloads}
}

// Path is where the webhook serves the entry.
func (e Entry) Path() string { return "/mutate/" + string(e) }

// EntryOfPod is the entry that the API server sends a Pod to; empty: none.
//
//	the Pod asks  label netmode.io/mode  label netmode.io/policy  entry
//	yes           any                    any                      asked
//	no            there                  any                      namespace
//	no            none                   enabled                  policy
//	no            none                   any other                none
//
// The labels are its Namespace's.
func EntryOfPod(annotations, namespaceLabels map[string]string) Entry {
	_, hasMode := namespaceLabels[LabelMode]
	switch {
	case Asks(annotations):
		return EntryAsked
	case hasMode:
		return EntryNamespace
	case namespaceLabels[LabelPolicy] == PolicyEnabled:
		return EntryPolicy
	default:
		return ""
	}
}
