package patch_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gomodules.xyz/jsonpatch/v2"

	"github.com/netmode-io/netmode/pkg/patch"
	"github.com/netmode-io/netmode/pkg/plan"
)

func set(pointer string, value any) plan.Mutation {
	return plan.Mutation{Pointer: pointer, Value: value}
}

func insertFirst(pointer string, value any) plan.Mutation {
	return plan.Mutation{Action: plan.InsertFirst, Pointer: pointer, Value: value}
}

func appendLast(pointer string, value any) plan.Mutation {
	return plan.Mutation{Action: plan.AppendLast, Pointer: pointer, Value: value}
}

func remove(pointer string) plan.Mutation {
	return plan.Mutation{Action: plan.Remove, Pointer: pointer}
}

type mutations = []plan.Mutation

// buildCases: the raw object, what is to change, and the patch, read exactly.
var buildCases = map[string]struct {
	raw       string
	mutations mutations
	want      string
}{
	"set: absent member":            {`{"a":1}`, mutations{set("/b", 2)}, `[{"op":"add","path":"/b","value":2}]`},
	"set: null member":              {`{"b":null}`, mutations{set("/b", 2)}, `[{"op":"add","path":"/b","value":2}]`},
	"set: present member":           {`{"b":1}`, mutations{set("/b", 2)}, `[{"op":"replace","path":"/b","value":2}]`},
	"set: false, 0 and \"\"":        {`{"a":false,"b":0,"c":""}`, mutations{set("/a", true), set("/b", 1), set("/c", "x")}, `[{"op":"replace","path":"/a","value":true},{"op":"replace","path":"/b","value":1},{"op":"replace","path":"/c","value":"x"}]`},
	"set: object member":            {`{"b":{"c":1}}`, mutations{set("/b", map[string]any{})}, `[{"op":"replace","path":"/b","value":{}}]`},
	"set: list member":              {`{"b":[1]}`, mutations{set("/b", []string{})}, `[{"op":"replace","path":"/b","value":[]}]`},
	"set: to null":                  {`{"b":1}`, mutations{set("/b", nil)}, `[{"op":"replace","path":"/b","value":null}]`},
	"set: into an empty object":     {`{}`, mutations{set("/b", 2)}, `[{"op":"add","path":"/b","value":2}]`},
	"set: twice":                    {`{}`, mutations{set("/b", 1), set("/b", 2)}, `[{"op":"add","path":"/b","value":1},{"op":"replace","path":"/b","value":2}]`},
	"set: item of a list":           {`{"l":[1,2]}`, mutations{set("/l/1", 3)}, `[{"op":"replace","path":"/l/1","value":3}]`},
	"set: member of an item":        {`{"l":[{},{"a":1}]}`, mutations{set("/l/0/a", 2), set("/l/1/a", 2)}, `[{"op":"add","path":"/l/0/a","value":2},{"op":"replace","path":"/l/1/a","value":2}]`},
	"set: eleventh item":            {`{"l":[0,1,2,3,4,5,6,7,8,9,{"a":1}]}`, mutations{set("/l/10/a", 2)}, `[{"op":"replace","path":"/l/10/a","value":2}]`},
	"set: a member called 0":        {`{"l":{"0":1}}`, mutations{set("/l/0", 2), set("/l/1", 2)}, `[{"op":"replace","path":"/l/0","value":2},{"op":"add","path":"/l/1","value":2}]`},
	"set: list of a list":           {`{"l":[[1],[2]]}`, mutations{set("/l/1/0", 3)}, `[{"op":"replace","path":"/l/1/0","value":3}]`},
	"set: prefix of another key":    {`{"hostNetworkX":1,"host":2}`, mutations{set("/hostNetwork", true)}, `[{"op":"add","path":"/hostNetwork","value":true}]`},
	"set: same key elsewhere":       {`{"x":{"b":1},"y":[{"b":1}],"z":"\"b\":1"}`, mutations{set("/b", 2)}, `[{"op":"add","path":"/b","value":2}]`},
	"remove: a member":              {`{"a":1,"b":{"c":1}}`, mutations{remove("/a"), remove("/b/c")}, `[{"op":"remove","path":"/a"},{"op":"remove","path":"/b/c"}]`},
	"remove: set again":             {`{"b":{"c":{"d":1}}}`, mutations{remove("/b/c"), set("/b/c/d", 2)}, `[{"op":"remove","path":"/b/c"},{"op":"add","path":"/b/c","value":{"d":2}}]`},
	"remove: what was set":          {`{}`, mutations{set("/a/b", 1), remove("/a/b")}, `[{"op":"add","path":"/a","value":{"b":1}},{"op":"remove","path":"/a/b"}]`},
	"remove: and a member is left":  {`{"a":{"b":1,"c":2}}`, mutations{remove("/a/b"), set("/a/c", 3)}, `[{"op":"remove","path":"/a/b"},{"op":"replace","path":"/a/c","value":3}]`},
	"remove: nothing is there":      {`{"a":{},"n":null}`, mutations{remove("/b"), remove("/a/b"), remove("/n"), remove("/n/b/c"), remove("/x/y")}, `[]`},
	"remove: below an item":         {`{"l":[{"a":1}]}`, mutations{remove("/l/0/a")}, `[{"op":"remove","path":"/l/0/a"}]`},
	"parents: absent":               {`{}`, mutations{set("/a/b/c", 1)}, `[{"op":"add","path":"/a","value":{"b":{"c":1}}}]`},
	"parents: null":                 {`{"a":null}`, mutations{set("/a/b/c", 1)}, `[{"op":"add","path":"/a","value":{"b":{"c":1}}}]`},
	"parents: second absent":        {`{"a":{"x":1}}`, mutations{set("/a/b/c", 1)}, `[{"op":"add","path":"/a/b","value":{"c":1}}]`},
	"parents: second null":          {`{"a":{"b":null}}`, mutations{set("/a/b/c", 1)}, `[{"op":"add","path":"/a/b","value":{"c":1}}]`},
	"parents: all there":            {`{"a":{"b":{"x":1}}}`, mutations{set("/a/b/c", 1)}, `[{"op":"add","path":"/a/b/c","value":1}]`},
	"parents: empty object":         {`{"a":{}}`, mutations{set("/a/b/c", 1)}, `[{"op":"add","path":"/a/b","value":{"c":1}}]`},
	"parents: below an item":        {`{"l":[{"n":"c"}]}`, mutations{set("/l/0/a/b", 1)}, `[{"op":"add","path":"/l/0/a","value":{"b":1}}]`},
	"parents: new, shared":          {`{}`, mutations{set("/a/b", 1), set("/a/c", 2), appendLast("/a/l", 3)}, `[{"op":"add","path":"/a","value":{"b":1}},{"op":"add","path":"/a/c","value":2},{"op":"add","path":"/a/l","value":[3]}]`},
	"parents: new, shared, deeper":  {`{"a":null}`, mutations{set("/a/b/c", 1), set("/a/b/d", 2), set("/a/e/f", 3)}, `[{"op":"add","path":"/a","value":{"b":{"c":1}}},{"op":"add","path":"/a/b/d","value":2},{"op":"add","path":"/a/e","value":{"f":3}}]`},
	"escapes: slash in a key":       {`{"metadata":{"annotations":{"netmode.io/mode":"a"}}}`, mutations{set("/metadata/annotations/netmode.io~1mode", "b")}, `[{"op":"replace","path":"/metadata/annotations/netmode.io~1mode","value":"b"}]`},
	"escapes: slash, no annotation": {`{"metadata":{}}`, mutations{set("/metadata/annotations/netmode.io~1status", "b")}, `[{"op":"add","path":"/metadata/annotations","value":{"netmode.io/status":"b"}}]`},
	"escapes: slash, absent key":    {`{"a":{"netmode.io":1}}`, mutations{set("/a/netmode.io~1status", "b")}, `[{"op":"add","path":"/a/netmode.io~1status","value":"b"}]`},
	"escapes: tilde":                {`{"a~b":1,"~1":1,"a/b":{}}`, mutations{set("/a~0b", 2), set("/~01", 2), set("/a~1b/~0~1", 2)}, `[{"op":"replace","path":"/a~0b","value":2},{"op":"replace","path":"/~01","value":2},{"op":"add","path":"/a~1b/~0~1","value":2}]`},
	"escapes: new parents":          {`{}`, mutations{set("/~01/~1", 1)}, `[{"op":"add","path":"/~01","value":{"/":1}}]`},
	"escapes: in the raw key":       {`{"sp\u0065c":{"\"host\\\/\u00fc":1}}`, mutations{set(`/spec/"host\~1ü`, 2), set("/spec/b", 1)}, `[{"op":"replace","path":"/spec/\"host\\~1ü","value":2},{"op":"add","path":"/spec/b","value":1}]`},
	"escapes: surrogates":           {`{"\ud83d\ude00":1}`, mutations{set("/😀", 2)}, `[{"op":"replace","path":"/😀","value":2}]`},
	"empty key":                     {`{"":{"":1,"b":{"c":2}},"c":{"x":1}}`, mutations{set("//", 2), set("//d", 2), set("/c/y", 2)}, `[{"op":"replace","path":"//","value":2},{"op":"add","path":"//d","value":2},{"op":"add","path":"/c/y","value":2}]`},
	"strings with brackets":         {`{"x":"}]\\","y":"\\\"{","s":{"z":"[","b":1}}`, mutations{set("/s/b", 2)}, `[{"op":"replace","path":"/s/b","value":2}]`},
	"white space":                   {" {\n\t\"a\" :\r [ 1 , { \"b\" : null } ] , \"c\" : true } ", mutations{set("/a/1/b", 2), set("/c", 3), set("/d", 4)}, `[{"op":"add","path":"/a/1/b","value":2},{"op":"replace","path":"/c","value":3},{"op":"add","path":"/d","value":4}]`},
	"first: absent list":            {`{}`, mutations{insertFirst("/l", 1)}, `[{"op":"add","path":"/l","value":[1]}]`},
	"first: null list":              {`{"l":null}`, mutations{insertFirst("/l", 1)}, `[{"op":"add","path":"/l","value":[1]}]`},
	"first: empty list":             {`{"l":[]}`, mutations{insertFirst("/l", 1)}, `[{"op":"add","path":"/l/0","value":1}]`},
	"first: blank list":             {`{"l":[ ]}`, mutations{insertFirst("/l", 1)}, `[{"op":"add","path":"/l/0","value":1}]`},
	"first: full list":              {`{"l":[2,3]}`, mutations{insertFirst("/l", 1)}, `[{"op":"add","path":"/l/0","value":1}]`},
	"first: twice":                  {`{}`, mutations{insertFirst("/l", 2), insertFirst("/l", 1)}, `[{"op":"add","path":"/l","value":[2]},{"op":"add","path":"/l/0","value":1}]`},
	"first: absent parents":         {`{"s":{}}`, mutations{insertFirst("/s/d/l", 1)}, `[{"op":"add","path":"/s/d","value":{"l":[1]}}]`},
	"first: a list is the item":     {`{"l":[1]}`, mutations{insertFirst("/l", []int{0})}, `[{"op":"add","path":"/l/0","value":[0]}]`},
	"last: absent list":             {`{}`, mutations{appendLast("/l", 1)}, `[{"op":"add","path":"/l","value":[1]}]`},
	"last: null list":               {`{"l":null}`, mutations{appendLast("/l", 1)}, `[{"op":"add","path":"/l","value":[1]}]`},
	"last: empty list":              {`{"l":[]}`, mutations{appendLast("/l", 1)}, `[{"op":"add","path":"/l/-","value":1}]`},
	"last: full list":               {`{"l":[2,3]}`, mutations{appendLast("/l", 1)}, `[{"op":"add","path":"/l/-","value":1}]`},
	"last: twice":                   {`{"a":null}`, mutations{appendLast("/a/l", 1), appendLast("/a/l", 2)}, `[{"op":"add","path":"/a","value":{"l":[1]}},{"op":"add","path":"/a/l/-","value":2}]`},
	"last, then first":              {`{"l":[2]}`, mutations{appendLast("/l", 3), insertFirst("/l", 1)}, `[{"op":"add","path":"/l/-","value":3},{"op":"add","path":"/l/0","value":1}]`},
	"list in an item":               {`{"l":[{"m":[2]}]}`, mutations{appendLast("/l/0/m", 3), insertFirst("/l/0/m", 1)}, `[{"op":"add","path":"/l/0/m/-","value":3},{"op":"add","path":"/l/0/m/0","value":1}]`},
	"an item, then another before":  {`{"l":[{"a":1}]}`, mutations{set("/l/0/a", 2), insertFirst("/l", 0)}, `[{"op":"replace","path":"/l/0/a","value":2},{"op":"add","path":"/l/0","value":0}]`},
	"plan order, not key order":     {`{"a":1,"b":1,"c":1}`, mutations{set("/c", 2), set("/a", 2), set("/b", 2)}, `[{"op":"replace","path":"/c","value":2},{"op":"replace","path":"/a","value":2},{"op":"replace","path":"/b","value":2}]`},
	"value: keys are sorted":        {`{}`, mutations{set("/a", map[string]int{"z": 1, "y": 2, "x": 3})}, `[{"op":"add","path":"/a","value":{"x":3,"y":2,"z":1}}]`},
}

func TestBuild(t *testing.T) {
	for name, tt := range buildCases {
		t.Run(name, func(t *testing.T) {
			document, patched := built(t, tt.raw, tt.mutations)
			if diff := cmp.Diff(tt.want, document); diff != "" {
				t.Errorf("patch differs (-want +got):\n%s", diff)
			}
			want, err := modelApply(mustDecode(t, []byte(tt.raw)), tt.mutations)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, mustDecode(t, patched)); diff != "" {
				t.Errorf("object differs from the model's (-model +got):\n%s", diff)
			}
			for range 100 {
				operations, err := patch.Build([]byte(tt.raw), tt.mutations)
				if err != nil {
					t.Fatal(err)
				}
				if again, err := patch.Encode(operations); err != nil || string(again) != document {
					t.Fatalf("another run made another patch: %v\n%s\n%s", err, document, again)
				}
			}
		})
	}
}

func TestBuildWithoutMutations(t *testing.T) {
	operations, err := patch.Build([]byte("not read"), nil)
	if len(operations) > 0 || err != nil {
		t.Errorf("got %v, %v", operations, err)
	}
}

func TestBuildRefuses(t *testing.T) {
	const noMember = " is not an object with that member"
	tests := map[string]struct {
		raw       string
		mutations mutations
		want      string
	}{
		"parent is a string":          {`{"a":"x"}`, mutations{set("/a/b", 1)}, "/a/b: /a" + noMember},
		"parent is a number":          {`{"a":{"b":1}}`, mutations{set("/a/b/c/d", 1)}, "/a/b/c/d: /a/b" + noMember},
		"parent is true":              {`{"a":true}`, mutations{appendLast("/a/l", 1)}, "/a/l: /a" + noMember},
		"parent is a list":            {`{"a":[]}`, mutations{set("/a/b", 1)}, "/a/b: /a" + noMember},
		"escaped parent":              {`{"a":{"n/m":1}}`, mutations{set("/a/n~1m/c", 1)}, "/a/n~1m/c: /a/n~1m" + noMember},
		"no such item":                {`{"a":[{}]}`, mutations{set("/a/1/b", 1)}, "/a/1/b: /a" + noMember},
		"index with a leading zero":   {`{"a":[{},{}]}`, mutations{set("/a/01/b", 1)}, "/a/01/b: /a" + noMember},
		"negative index":              {`{"a":[{},{}]}`, mutations{set("/a/-1/b", 1)}, "/a/-1/b: /a" + noMember},
		"the place behind a list":     {`{"a":[1]}`, mutations{set("/a/-", 1)}, "/a/-: /a" + noMember},
		"item is null":                {`{"a":[null]}`, mutations{set("/a/0/b", 1)}, "/a/0/b: /a" + noMember},
		"first of an object":          {`{"a":{}}`, mutations{insertFirst("/a", 1)}, "/a: is not a list"},
		"last of a string":            {`{"a":"x"}`, mutations{appendLast("/a", 1)}, "/a: is not a list"},
		"last of a member of an item": {`{"a":[{"b":0}]}`, mutations{appendLast("/a/0/b", 1)}, "/a/0/b: is not a list"},
		"below what was set":          {`{"a":{}}`, mutations{set("/a", map[string]int{}), set("/a/b", 1)}, "/a/b: /a" + noMember},
		"below what was appended":     {`{}`, mutations{appendLast("/a", map[string]int{}), set("/a/0/b", 1)}, "/a/0/b: /a" + noMember},
		"an item that has moved":      {`{"a":[{"b":1},{}]}`, mutations{insertFirst("/a", "x"), set("/a/0/b", 2)}, "/a/0/b: /a" + noMember},
		"second mutation is bad":      {`{"a":1}`, mutations{set("/b", 1), set("/a/b", 1)}, "/a/b: /a" + noMember},
		"remove an item":              {`{"a":[1]}`, mutations{remove("/a/0")}, "/a/0: /a" + noMember},
		"remove below a string":       {`{"a":{"b":""}}`, mutations{remove("/a/b/c")}, "/a/b/c: /a/b" + noMember},
		"remove below no item":        {`{"a":[{}]}`, mutations{remove("/a/1/b")}, "/a/1/b: /a" + noMember},
		"empty pointer":               {`{}`, mutations{set("", 1)}, `"" is not a pointer to a member: it must begin with /`},
		"pointer without slash":       {`{"spec":{}}`, mutations{set("spec/a", 1)}, `"spec/a" is not a pointer to a member: it must begin with /`},
		"object is a list":            {`[{"a":1}]`, mutations{set("/0/a", 1)}, "object is not a JSON object"},
		"object is null":              {`null`, mutations{set("/a", 1)}, "object is not a JSON object"},
		"object is a string":          {`"a"`, mutations{set("/a", 1)}, "object is not a JSON object"},
		"object is empty":             {``, mutations{set("/a", 1)}, "object is not a JSON object"},
		"key is not a string":         {`{1:2}`, mutations{set("/a", 1)}, "object is not valid JSON"},
		"no colon":                    {`{"a" 1}`, mutations{set("/a", 1)}, "object is not valid JSON"},
		"cut in a key":                {`{"a`, mutations{set("/a", 1)}, "object is not valid JSON"},
		"cut in an escaped key":       {`{"a\"`, mutations{set("/a", 1)}, "object is not valid JSON"},
		"cut in a string":             {`{"a":"b`, mutations{set("/a", 1)}, "object is not valid JSON"},
		"cut in a skipped string":     {`{"b":["c`, mutations{set("/a", 1)}, "object is not valid JSON"},
		"cut in a skipped object":     {`{"b":{"c":1`, mutations{set("/a", 1)}, "object is not valid JSON"},
		"cut in a list":               {`{"a":[1,`, mutations{set("/a/0", 1)}, "object is not valid JSON"},
		"cut behind a member":         {`{"a":{"b":1`, mutations{set("/a/c", 1)}, "object is not valid JSON"},
		"list closed as an object":    {`{"a":[}`, mutations{set("/a/0", 1)}, "object is not valid JSON"},
		"object closed as a list":     {`{"a":{]`, mutations{set("/a/b", 1)}, "object is not valid JSON"},
		"bad escape in a key":         {`{"\x":1}`, mutations{set("/a", 1)}, `member name "\x": `},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			operations, err := patch.Build([]byte(tt.raw), tt.mutations)
			if operations != nil {
				t.Errorf("half a patch: %v", operations)
			}
			if err == nil || (err.Error() != tt.want && (!strings.HasSuffix(tt.want, ": ") || !strings.HasPrefix(err.Error(), tt.want))) {
				t.Errorf("got error %v, want %s", err, tt.want)
			}
		})
	}
}

// planLike is what plans change: a bit of everything, in one Pod.
var planLike = mutations{
	set("/spec/hostname", "storm-2"),
	set("/spec/dnsPolicy", "None"),
	set("/spec/dnsConfig/nameservers", []string{"10.96.0.10"}),
	set("/spec/dnsConfig/searches", []string{"peers.default.svc.cluster.local", "default.svc.cluster.local"}),
	appendLast("/spec/dnsConfig/options", map[string]string{"name": "ndots", "value": "5"}),
	insertFirst("/spec/initContainers", map[string]string{"name": "netmode-resolvconf"}),
	set("/spec/containers/0/lifecycle/postStart/exec/command", []string{"/bin/sh", "-c", "exit 0"}),
	appendLast("/spec/imagePullSecrets", map[string]string{"name": "pull"}),
	set("/metadata/annotations/netmode.io~1status", `{"mode":"headless"}`),
}

func podFixture(tb testing.TB) []byte {
	tb.Helper()
	raw, err := os.ReadFile("testdata/pod.json")
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// Nothing but what the mutations name changes: the difference of the object
// before and after, found by another library, lies at or below their pointers,
// or is a parent that was not there.
func TestNothingElseChanges(t *testing.T) {
	raw := podFixture(t)
	_, patched := built(t, string(raw), planLike)
	changes, err := jsonpatch.CreatePatch(raw, patched)
	if err != nil {
		t.Fatal(err)
	}
	if len(changes) < 7 {
		t.Errorf("only %d changes: %v", len(changes), changes)
	}
	for _, change := range changes {
		named := false
		for _, m := range planLike {
			below := change.Path == m.Pointer || strings.HasPrefix(change.Path, m.Pointer+"/")
			newParent := change.Operation == "add" && strings.HasPrefix(m.Pointer, change.Path+"/")
			named = named || below || newParent
		}
		if !named || change.Operation == "remove" {
			t.Errorf("the patch also changed %s", change.Json())
		}
	}
}

// Members that no Kubernetes has yet stay, wherever they are.
func TestUnknownFieldsStay(t *testing.T) {
	const raw = `{"newTop":{"a":[1.50,1e3,12345678901234567890]},"metadata":{"newMeta":"<&>\u2028"},` +
		`"spec":{"newSpec":null,"dnsConfig":{"newDNS":[]},"containers":[{"newContainer":{},"lifecycle":{"newHook":1,` +
		`"postStart":{"newStart":1,"exec":{"newExec":true,"command":["a"]}}}}],"initContainers":[{"newInit":0.10}]}}`
	_, patched := built(t, raw, planLike)
	want, err := modelApply(mustDecode(t, []byte(raw)), planLike)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, mustDecode(t, patched)); diff != "" {
		t.Errorf("object differs from the model's (-model +got):\n%s", diff)
	}
	for _, member := range []string{"newTop", "newMeta", "newSpec", "newDNS", "newContainer", "newHook", "newStart", "newExec", "newInit", "1.50", "1e3", "12345678901234567890", "0.10"} {
		if !strings.Contains(string(patched), member) {
			t.Errorf("%s is gone: %s", member, patched)
		}
	}
}
