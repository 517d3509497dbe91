package examples_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"github.com/netmode-io/netmode/pkg/api"
)

// application is one file, decoded.
type application struct {
	opening   string // the comment before the first document, without its marks
	text      string
	workloads []workload
	services  []*corev1.Service
	budgets   []*policyv1.PodDisruptionBudget
	objects   map[string]metav1.Object // by "Kind/name"
}

// workload is what the rules ask of a Deployment, a StatefulSet or a Job.
type workload struct {
	name        string
	selector    *metav1.LabelSelector // nil: the API server makes one
	template    *corev1.PodTemplateSpec
	serviceName string
	probed      bool
	problems    []string
}

// decoder reads YAML as an API server with fieldValidation Strict does: field
// names are case-sensitive, and an unknown or repeated one is an error.
func decoder() (runtime.Decoder, error) {
	scheme := runtime.NewScheme()
	kinds := runtime.NewSchemeBuilder(appsv1.AddToScheme, batchv1.AddToScheme, corev1.AddToScheme, policyv1.AddToScheme)
	if err := kinds.AddToScheme(scheme); err != nil {
		return nil, err
	}
	options := json.SerializerOptions{Yaml: true, Strict: true}
	return json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, options), nil
}

func parse(data []byte) (*application, error) {
	app := &application{text: string(data), objects: map[string]metav1.Object{}}
	for line := range strings.Lines(app.text) {
		if !strings.HasPrefix(line, "#") {
			break
		}
		app.opening += strings.TrimLeft(line, "# ")
	}
	strict, err := decoder()
	if err != nil {
		return nil, err
	}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return app, nil
		}
		if err != nil {
			return nil, err
		}
		object, kind, err := strict.Decode(document, nil, nil)
		if err != nil {
			return nil, err
		}
		if err := app.add(kind.Kind, object); err != nil {
			return nil, err
		}
	}
}

// add takes in an object of a kind that an example may hold. A Secret is none.
func (app *application) add(kind string, object runtime.Object) error {
	var w *workload
	var meta metav1.Object
	switch o := object.(type) {
	case *corev1.ConfigMap:
		meta = o
	case *corev1.PersistentVolumeClaim:
		meta = o
	case *corev1.Service:
		meta = o
		app.services = append(app.services, o)
	case *policyv1.PodDisruptionBudget:
		meta = o
		app.budgets = append(app.budgets, o)
	case *appsv1.Deployment:
		meta = o
		w = &workload{selector: o.Spec.Selector, template: &o.Spec.Template, probed: true, problems: deploymentProblems(o)}
	case *appsv1.StatefulSet:
		meta = o
		w = &workload{selector: o.Spec.Selector, template: &o.Spec.Template, probed: true, serviceName: o.Spec.ServiceName}
		if app.service(o.Spec.ServiceName) == nil {
			w.problems = append(w.problems, fmt.Sprintf("spec.serviceName: %q: no such Service before it", o.Spec.ServiceName))
		}
	case *batchv1.Job:
		meta = o
		w = &workload{template: &o.Spec.Template}
		if o.Spec.CompletionMode == nil || *o.Spec.CompletionMode != batchv1.IndexedCompletion {
			w.problems = append(w.problems, "spec.completionMode: its pods have no hostnames: want Indexed")
		}
	default:
		return fmt.Errorf("kind %q: not one that an example may hold", kind)
	}
	key := kind + "/" + meta.GetName()
	if _, twice := app.objects[key]; twice {
		return fmt.Errorf("%s: more than once", key)
	}
	app.objects[key] = meta
	if w == nil {
		return nil
	}
	w.name = meta.GetName()
	for key := range meta.GetAnnotations() {
		if strings.HasPrefix(key, api.Prefix) {
			w.problems = append(w.problems, fmt.Sprintf("metadata.annotations[%s]: belongs on the pod template", key))
		}
	}
	app.workloads = append(app.workloads, *w)
	return nil
}

// deploymentProblems judges how the pods of a Deployment replace each other.
func deploymentProblems(d *appsv1.Deployment) []string {
	switch mode := api.Mode(d.Spec.Template.Annotations[api.AnnotationMode]); {
	case mode == api.ModeHeadless && (d.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType || d.Spec.Replicas == nil || *d.Spec.Replicas != 1):
		return []string{"spec: pods of mode headless share a hostname: want replicas 1 and strategy Recreate"}
	case mode == api.ModeHostNetwork && (d.Spec.Strategy.RollingUpdate == nil || d.Spec.Strategy.RollingUpdate.MaxSurge == nil || *d.Spec.Strategy.RollingUpdate.MaxSurge != intstr.FromInt32(0)):
		return []string{"spec.strategy.rollingUpdate.maxSurge: a new pod needs the port that the old one holds: want 0"}
	}
	return nil
}

func (app *application) service(name string) *corev1.Service {
	object, _ := app.objects["Service/"+name].(*corev1.Service)
	return object
}

// tellsSecret reports whether the opening comment says how to make a Secret.
func (app *application) tellsSecret(name string) bool {
	return strings.Contains(app.opening, "kubectl create secret generic "+name+" ")
}

// problems returns each broken rule of the application, none when it is right.
func (app *application) problems() []string {
	var found []string
	report := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }

	if strings.Count(app.opening, "\n") < 3 {
		report("the file must open with a comment of a few lines")
	}
	for key, object := range app.objects {
		if object.GetNamespace() != "" {
			report("%s: metadata.namespace: %q: an example goes to the current namespace", key, object.GetNamespace())
		}
		if object.GetLabels()["app.kubernetes.io/name"] == "" {
			report("%s: no label app.kubernetes.io/name", key)
		}
		if config, ok := object.(*corev1.ConfigMap); ok && strings.Count(app.text, "name: "+config.Name+"\n") < 2 {
			report("%s: nothing uses it", key)
		}
	}
	for _, service := range app.services {
		for _, problem := range app.serviceProblems(service) {
			report("Service/%s: %s", service.Name, problem)
		}
	}
	for _, w := range app.workloads {
		for _, problem := range slices.Concat(w.problems, app.templateProblems(w), app.podProblems(w)) {
			report("%s: %s", w.name, problem)
		}
	}
	for _, budget := range app.budgets {
		if !slices.ContainsFunc(app.workloads, func(w workload) bool { return selects(budget.Spec.Selector, w.template) }) {
			report("PodDisruptionBudget/%s: spec.selector selects no pod of the file", budget.Name)
		}
	}
	return found
}

// asked reads the author's annotations of one object and reports bad and
// unknown ones, and a mode that the opening comment does not speak of.
func (app *application) asked(annotations map[string]string, path *field.Path) (api.Intent, []string) {
	asked, errs := api.ParseAnnotations(annotations, path)
	var found []string
	for _, err := range errs {
		found = append(found, err.Error())
	}
	for _, unknown := range asked.Unknown {
		found = append(found, fmt.Sprintf("unknown annotation %s", unknown.Key))
	}
	if asked.Mode != "" && !strings.Contains(strings.ToLower(app.opening), "mode "+string(asked.Mode)) {
		found = append(found, fmt.Sprintf("the opening comment does not say why mode %s", asked.Mode))
	}
	return asked, found
}

func (app *application) serviceProblems(service *corev1.Service) []string {
	asked, found := app.asked(service.Annotations, field.NewPath("metadata", "annotations"))
	selected := func(w workload) bool {
		return len(service.Spec.Selector) > 0 && labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(w.template.Labels))
	}
	pods := slices.IndexFunc(app.workloads, selected)
	if pods < 0 {
		return append(found, "spec.selector: selects no pod of the file")
	}
	for i, port := range service.Spec.Ports {
		target, known := containerPort(app.workloads[pods].template, port.TargetPort)
		switch {
		case !known:
			found = append(found, fmt.Sprintf("spec.ports[%d].targetPort: %s: no container declares it", i, port.TargetPort.String()))
		case asked.Mode.Headless() && target != port.Port:
			found = append(found, fmt.Sprintf("spec.ports[%d]: port %d is not targetPort %d: a headless Service translates nothing", i, port.Port, target))
		}
	}
	return found
}

// templateProblems judges a pod template's mode and the Service that governs it.
func (app *application) templateProblems(w workload) []string {
	asked, found := app.asked(w.template.Annotations, field.NewPath("spec", "template", "metadata", "annotations"))
	if w.selector != nil && !selects(w.selector, w.template) {
		found = append(found, "spec.selector: does not match the template's labels")
	}
	if asked.Mode == api.ModeHostNetwork && !slices.ContainsFunc(w.template.Spec.Containers, func(c corev1.Container) bool { return len(c.Ports) > 0 }) {
		found = append(found, "spec.template.spec.containers: no declared port: the scheduler cannot avoid collisions")
	}
	named := asked.Mode == api.ModeHostNetwork && asked.Service != ""
	if !asked.Mode.Headless() && !named {
		return found
	}
	ofService := asked.Mode
	if named {
		ofService = api.ModeStatefulSetHeadless
	}
	names := slices.DeleteFunc([]string{asked.Service, w.template.Spec.Subdomain, w.serviceName}, func(s string) bool { return s == "" })
	names = slices.Compact(names)
	if len(names) != 1 {
		return append(found, fmt.Sprintf("mode %s: want one governing Service, have %q", asked.Mode, names))
	}
	service := app.service(names[0])
	switch {
	case service == nil:
		found = append(found, fmt.Sprintf("governing Service %q is not in the file", names[0]))
	case service.Annotations[api.AnnotationMode] != string(ofService):
		found = append(found, fmt.Sprintf("governing Service %q asks for mode %q, and its pods need %q", names[0], service.Annotations[api.AnnotationMode], ofService))
	case !labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(w.template.Labels)):
		found = append(found, fmt.Sprintf("governing Service %q does not select its pods", names[0]))
	}
	return found
}

// podProblems judges what every pod of an example should have.
func (app *application) podProblems(w workload) []string {
	var found []string
	report := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	spec := w.template.Spec
	if spec.HostNetwork || spec.DNSConfig != nil || spec.DNSPolicy != "" || spec.Hostname != "" {
		report("spec.template.spec: sets what netmode is there to set")
	}
	if spec.SecurityContext == nil || spec.SecurityContext.SeccompProfile == nil {
		report("spec.template.spec.securityContext.seccompProfile: not set")
	}
	for _, volume := range spec.Volumes {
		if claim := volume.PersistentVolumeClaim; claim != nil && app.objects["PersistentVolumeClaim/"+claim.ClaimName] == nil {
			report("volume %s: no PersistentVolumeClaim %q in the file", volume.Name, claim.ClaimName)
		}
		if config := volume.ConfigMap; config != nil && app.objects["ConfigMap/"+config.Name] == nil {
			report("volume %s: no ConfigMap %q in the file", volume.Name, config.Name)
		}
		if secret := volume.Secret; secret != nil && !app.tellsSecret(secret.SecretName) {
			report("volume %s: the opening comment does not say how to make Secret %q", volume.Name, secret.SecretName)
		}
	}
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		if _, tag, tagged := strings.Cut(c.Image, ":"); !tagged || tag == "latest" {
			report("container %s: image %q: want a tag that stays", c.Name, c.Image)
		}
		if c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() {
			report("container %s: resources: want requests for cpu and memory, and a limit for memory", c.Name)
		}
		if s := c.SecurityContext; s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.Capabilities == nil || !slices.Contains(s.Capabilities.Drop, "ALL") {
			report("container %s: securityContext: want no privilege escalation and all capabilities dropped", c.Name)
		}
		for _, env := range c.Env {
			if from := env.ValueFrom; from != nil && from.SecretKeyRef != nil && !app.tellsSecret(from.SecretKeyRef.Name) {
				report("container %s: the opening comment does not say how to make Secret %q", c.Name, from.SecretKeyRef.Name)
			}
		}
	}
	for _, c := range spec.Containers {
		if w.probed && (c.ReadinessProbe == nil || c.LivenessProbe == nil) {
			report("container %s: want a readinessProbe and a livenessProbe", c.Name)
		}
		for _, probe := range []*corev1.Probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
			if probe == nil {
				continue
			}
			var port intstr.IntOrString
			switch {
			case probe.TCPSocket != nil:
				port = probe.TCPSocket.Port
			case probe.HTTPGet != nil:
				port = probe.HTTPGet.Port
			default:
				continue
			}
			if _, known := containerPort(w.template, port); !known {
				report("container %s: a probe asks port %s, which is not declared", c.Name, port.String())
			}
		}
	}
	return found
}

// containerPort resolves a port, by name or number, among those that the
// template's containers declare.
func containerPort(template *corev1.PodTemplateSpec, port intstr.IntOrString) (int32, bool) {
	for _, c := range template.Spec.Containers {
		for _, declared := range c.Ports {
			if port.Type == intstr.String && declared.Name == port.StrVal || port.Type == intstr.Int && declared.ContainerPort == port.IntVal {
				return declared.ContainerPort, true
			}
		}
	}
	return 0, false
}

func selects(selector *metav1.LabelSelector, template *corev1.PodTemplateSpec) bool {
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && !s.Empty() && s.Matches(labels.Set(template.Labels))
}

// load reads every example, by file name.
func load(t *testing.T) map[string]*application {
	t.Helper()
	files, err := filepath.Glob("*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	applications := map[string]*application{}
	for _, file := range files {
		data, err := os.ReadFile(filepath.Clean(file))
		if err != nil {
			t.Fatal(err)
		}
		app, err := parse(data)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		applications[file] = app
	}
	return applications
}

func TestEachExample(t *testing.T) {
	for file, app := range load(t) {
		if len(app.workloads) == 0 {
			t.Errorf("%s: holds no workload", file)
		}
		for _, problem := range app.problems() {
			t.Errorf("%s: %s", file, problem)
		}
	}
}

// The examples can be applied and rendered together, as one folder: no object
// is in two files, and no Service selects another application's pods. Together
// they show every mode and each strategy that a person would pick.
func TestExamplesTogether(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	owner := map[string]string{}
	modes := map[api.Mode]bool{}
	rewrites := map[api.SearchRewrite]bool{}
	applications := load(t)
	for file, app := range applications {
		for key := range app.objects {
			if other, taken := owner[key]; taken {
				t.Errorf("%s is in %s and in %s", key, other, file)
			}
			owner[key] = file
		}
		row := tableRow(string(readme), file)
		for _, w := range app.workloads {
			asked, _ := api.ParseAnnotations(w.template.Annotations, nil)
			modes[asked.Mode] = true
			rewrites[asked.SearchRewrite] = true
			if !strings.Contains(row, "`"+string(asked.Mode)+"`") {
				t.Errorf("README.md: the row of %s does not name mode %q: %q", file, asked.Mode, row)
			}
			for otherFile, other := range applications {
				for _, service := range other.services {
					if otherFile != file && labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(w.template.Labels)) {
						t.Errorf("Service/%s of %s selects pods of %s", service.Name, otherFile, file)
					}
				}
			}
		}
	}
	for _, mode := range api.Modes() {
		if !modes[mode] {
			t.Errorf("no example uses mode %s", mode)
		}
	}
	for _, rewrite := range []api.SearchRewrite{"", api.SearchAuto, api.SearchInitContainer, api.SearchPostStart} {
		if !rewrites[rewrite] {
			t.Errorf("no example has search-rewrite %q", rewrite)
		}
	}
	if rows := strings.Count(string(readme), "\n| ["); rows != len(applications) {
		t.Errorf("README.md: %d rows for %d examples", rows, len(applications))
	}
}

func tableRow(readme, file string) string {
	for line := range strings.Lines(readme) {
		if strings.HasPrefix(line, "| ["+file+"]") {
			return line
		}
	}
	return ""
}

// Each rule refuses an example that breaks it: the files as shipped, with one
// thing changed.
func TestBrokenExamples(t *testing.T) {
	tests := []struct{ name, file, old, new, want string }{
		{"unknown kind", "database.yaml", "kind: PersistentVolumeClaim", "kind: Volume", `no kind "Volume" is registered for version "v1"`},
		{"unknown version", "kafka.yaml", "policy/v1\n", "policy/v1beta1\n", `no kind "PodDisruptionBudget" is registered for version "policy/v1beta1"`},
		{"no kind", "kafka.yaml", "kind: ConfigMap\n", "", "Object 'Kind' is missing"},
		{"kind of no example", "kafka.yaml", "---\napiVersion: policy/v1\n", "---\napiVersion: v1\nkind: Secret\n---\napiVersion: policy/v1\n", `kind "Secret": not one that an example may hold`},
		{"misspelt field", "kafka.yaml", "serviceName:", "servicename:", `unknown field "spec.servicename"`},
		{"wrong type", "kafka.yaml", "replicas: 3", "replicas: three", "cannot unmarshal"},
		{"key twice", "kafka.yaml", "replicas: 3", "replicas: 3\n  replicas: 3", `key "replicas" already set`},
		{"object twice", "kafka.yaml", "name: kafka-peers\n", "name: kafka\n", "Service/kafka: more than once"},
		{"no opening comment", "kafka.yaml", "# Apache Kafka", "---\n# Apache Kafka", "must open with a comment"},
		{"mode not explained", "kafka.yaml", "Mode statefulset-headless", "The mode", "does not say why mode statefulset-headless"},
		{"namespace", "kafka.yaml", "  name: kafka-peers\n", "  name: kafka-peers\n  namespace: streaming\n", `metadata.namespace: "streaming"`},
		{"no name label", "kafka.yaml", "  name: kafka-config\n  labels:\n    app.kubernetes.io/name: kafka", "  name: kafka-config\n  labels:\n    app: kafka", "ConfigMap/kafka-config: no label app.kubernetes.io/name"},
		{"idle ConfigMap", "kafka.yaml", "                name: kafka-config\n", "                name: other\n", "ConfigMap/kafka-config: nothing uses it"},
		{"bad mode", "kafka.yaml", "netmode.io/mode: statefulset-headless", "netmode.io/mode: stateful", "Unsupported value: \"stateful\""},
		{"unknown annotation", "kafka.yaml", "netmode.io/search-rewrite", "netmode.io/search", "unknown annotation netmode.io/search"},
		{"annotation on the workload", "database.yaml", "kind: Deployment\nmetadata:\n", "kind: Deployment\nmetadata:\n  annotations: {netmode.io/mode: headless}\n", "metadata.annotations[netmode.io/mode]: belongs on the pod template"},
		{"Service selects nothing", "matrixgate.yaml", "  selector:\n    app.kubernetes.io/name: matrixgate", "  selector:\n    app.kubernetes.io/name: gate", "Service/matrixgate: spec.selector: selects no pod"},
		{"Service without selector", "matrixgate.yaml", "  selector:\n    app.kubernetes.io/name: matrixgate\n    app.kubernetes.io/component: gateway\n  ports", "  ports", "Service/matrixgate: spec.selector: selects no pod"},
		{"undeclared targetPort", "matrixgate.yaml", "targetPort: http", "targetPort: https", "spec.ports[0].targetPort: https: no container declares it"},
		{"headless port translated", "database.yaml", "port: 5432\n", "port: 15432\n", "port 15432 is not targetPort 5432"},
		{"selector and template differ", "matrixgate.yaml", "    matchLabels:\n      app.kubernetes.io/name: matrixgate", "    matchLabels:\n      app.kubernetes.io/name: gate", "spec.selector: does not match the template's labels"},
		{"budget selects nothing", "zookeeper.yaml", "  maxUnavailable: 1\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: zookeeper", "  maxUnavailable: 1\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: controller", "PodDisruptionBudget/zookeeper: spec.selector selects no pod"},
		{"serviceName names nothing", "zookeeper.yaml", "serviceName: zookeeper-peers", "serviceName: zookeeper", `spec.serviceName: "zookeeper": no such Service`},
		{"serviceName names another", "zookeeper.yaml", "serviceName: zookeeper-peers", "serviceName: zookeeper-client", `governing Service "zookeeper-client" asks for mode ""`},
		{"no governing Service", "database.yaml", "        netmode.io/service: ledger-db\n", "", "want one governing Service"},
		{"two governing Services", "mpi-job.yaml", "      restartPolicy: Never", "      restartPolicy: Never\n      subdomain: mpi", "want one governing Service"},
		{"governing Service missing", "mpi-job.yaml", "netmode.io/service: mpi-pi-peers", "netmode.io/service: mpi-pi", `governing Service "mpi-pi" is not in the file`},
		{"names on the host network, and no Service", "training-job.yaml", "netmode.io/service: training\n", "netmode.io/service: train\n", `governing Service "train" is not in the file`},
		{"names on the host network, and another Service", "training-job.yaml", "netmode.io/mode: statefulset-headless", "netmode.io/mode: headless", `its pods need "statefulset-headless"`},
		{"governing Service selects others", "storm.yaml", "spec:\n  selector:\n    app.kubernetes.io/name: storm\n    app.kubernetes.io/component: nimbus", "spec:\n  selector:\n    app.kubernetes.io/name: storm\n    app.kubernetes.io/component: supervisor", `governing Service "nimbus" does not select its pods`},
		{"surge on a shared hostname", "database.yaml", "type: Recreate", "type: RollingUpdate", "want replicas 1 and strategy Recreate"},
		{"surge on a host port", "matrixgate.yaml", "maxSurge: 0", "maxSurge: 1", "spec.strategy.rollingUpdate.maxSurge"},
		{"no port declared", "matrixgate.yaml", "          ports:\n            - name: http\n              containerPort: 8086\n", "", "no declared port"},
		{"Job without hostnames", "mpi-job.yaml", "completionMode: Indexed", "completionMode: NonIndexed", "want Indexed"},
		{"netmode's work done by hand", "matrixgate.yaml", "      nodeSelector:", "      hostNetwork: true\n      nodeSelector:", "sets what netmode is there to set"},
		{"no seccomp profile", "matrixgate.yaml", "        seccompProfile:\n          type: RuntimeDefault\n", "", "seccompProfile: not set"},
		{"claim missing", "database.yaml", "claimName: ledger-db", "claimName: ledger", `no PersistentVolumeClaim "ledger"`},
		{"ConfigMap missing", "matrixgate.yaml", "            name: matrixgate-config", "            name: matrixgate-conf", `no ConfigMap "matrixgate-conf"`},
		{"Secret volume not explained", "mpi-job.yaml", "secretName: mpi-pi-ssh", "secretName: mpi-keys", `how to make Secret "mpi-keys"`},
		{"Secret key not explained", "database.yaml", "                  name: ledger-db", "                  name: ledger", `how to make Secret "ledger"`},
		{"moving tag", "database.yaml", "image: postgres:17.6", "image: postgres:latest", `image "postgres:latest": want a tag that stays`},
		{"no tag", "database.yaml", "image: postgres:17.6", "image: postgres", `image "postgres": want a tag that stays`},
		{"no memory limit", "database.yaml", "            limits:\n              memory: 2Gi\n", "", "a limit for memory"},
		{"privilege escalation", "database.yaml", "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "want no privilege escalation"},
		{"no probe", "storm.yaml", "          readinessProbe:\n            httpGet:\n              path: /index.html\n              port: http\n            timeoutSeconds: 3\n", "", "want a readinessProbe"},
		{"probe of an undeclared port", "storm.yaml", "              path: /index.html\n              port: http", "              path: /index.html\n              port: https", "a probe asks port https"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Clean(test.file))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(data), test.old) {
				t.Fatalf("%s does not hold %q", test.file, test.old)
			}
			app, err := parse([]byte(strings.Replace(string(data), test.old, test.new, 1)))
			var answer string
			if err != nil {
				answer = err.Error()
			} else {
				answer = strings.Join(app.problems(), "\n")
			}
			if !strings.Contains(answer, test.want) {
				t.Errorf("want %q in the answer, have %q", test.want, answer)
			}
		})
	}
}
