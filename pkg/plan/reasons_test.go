package plan_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/plan"
)

// constants reads the Reason constants out of reasons.go: name and value, in order.
func constants(t *testing.T) (names, values []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "reasons.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		block, ok := decl.(*ast.GenDecl)
		if !ok || block.Tok != token.CONST {
			continue
		}
		for _, spec := range block.Specs {
			constant, ok := spec.(*ast.ValueSpec)
			if !ok || len(constant.Names) != 1 || len(constant.Values) != 1 {
				t.Fatalf("a constant is not one name = one value: %v", spec)
			}
			kind, ok := constant.Type.(*ast.Ident)
			if !ok || kind.Name != "Reason" {
				t.Fatalf("%s is not a Reason", constant.Names[0])
			}
			literal, ok := constant.Values[0].(*ast.BasicLit)
			if !ok {
				t.Fatalf("%s is not a string literal", constant.Names[0])
			}
			value, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatalf("%s: %v", constant.Names[0], err)
			}
			names, values = append(names, constant.Names[0].Name), append(values, value)
		}
	}
	return names, values
}

// Every constant is in the table once, in the same order, and nothing else is.
func TestReasonsAreOneClosedList(t *testing.T) {
	names, values := constants(t)
	if len(names) < 70 {
		t.Fatalf("only %d constants were found", len(names))
	}
	if diff := cmp.Diff(names, values); diff != "" {
		t.Errorf("a constant and its word differ (-name +word):\n%s", diff)
	}
	var table []string
	for _, doc := range plan.Reasons() {
		table = append(table, string(doc.Reason))
	}
	if diff := cmp.Diff(values, table); diff != "" {
		t.Errorf("constants and table differ (-constants +table):\n%s", diff)
	}
	seen := map[string]bool{}
	for _, word := range table {
		if seen[word] {
			t.Errorf("%s is in the table twice", word)
		}
		seen[word] = true
	}
}

var camelCase = regexp.MustCompile(`^[A-Z][A-Za-z]+$`)

func TestReasonDocs(t *testing.T) {
	sentences := map[string]plan.Reason{}
	for _, doc := range plan.Reasons() {
		if word := string(doc.Reason); !camelCase.MatchString(word) || len(word) > 40 {
			t.Errorf("%s: a reason is one CamelCase word of at most 40 letters", word)
		}
		s := doc.Sentence
		if !strings.HasSuffix(s, ".") || strings.HasSuffix(s, "..") || s != strings.TrimSpace(s) || strings.ContainsAny(s, "\n\t") {
			t.Errorf("%s: the sentence %q must be one line that ends with a full stop", doc.Reason, s)
		}
		if other, twice := sentences[s]; twice {
			t.Errorf("%s and %s have the same sentence", doc.Reason, other)
		}
		sentences[s] = doc.Reason
		if c := doc.Cure; c != "" {
			if first := c[0]; first < 'a' || first > 'z' {
				t.Errorf("%s: the cure %q must begin with a lower-case letter, as it follows a colon", doc.Reason, c)
			}
			if strings.HasSuffix(c, ".") || c != strings.TrimSpace(c) || strings.ContainsAny(c, "\n\t") {
				t.Errorf("%s: the cure %q must be one line without a full stop at its end", doc.Reason, c)
			}
		}
		if diff := cmp.Diff(doc, doc.Reason.Doc()); diff != "" {
			t.Errorf("%s: Doc differs from the table (-table +Doc):\n%s", doc.Reason, diff)
		}
	}
}

func TestDocOfAnUnknownWord(t *testing.T) {
	for _, word := range []plan.Reason{"", "NoSuchReason", "nothingAsked"} {
		if diff := cmp.Diff(plan.ReasonDoc{}, word.Doc()); diff != "" {
			t.Errorf("%q: (-want +got):\n%s", word, diff)
		}
	}
}

func TestReasonsIsACopy(t *testing.T) {
	want := plan.Reasons()[0]
	plan.Reasons()[0].Sentence = "changed"
	if diff := cmp.Diff(want, plan.Reasons()[0]); diff != "" {
		t.Errorf("a change of the returned list changed the table (-want +got):\n%s", diff)
	}
}
