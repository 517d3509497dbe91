package api

// Workload is what a decision reads of the object that will make the pods of a
// template.
type Workload struct {
	Kind string
	Name string
	// Replicas is how many pods run at once, and ReplicasField the field that says so.
	Replicas      int32
	ReplicasField string
	// Surges says that a rolling update starts a new pod before the old one is
	// gone, and SurgeField which field decides it.
	Surges     bool
	SurgeField string
}
