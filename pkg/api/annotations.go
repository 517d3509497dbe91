package api

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Intent is what the author's annotations of one object say. A zero member was
// not asked for.
type Intent struct {
	Mode          Mode
	Service       string
	SearchRewrite SearchRewrite
	Hostname      HostnameSource
	Wait          Wait
	// WaitTimeout is zero where none was asked for.
	WaitTimeout              time.Duration
	PublishNotReadyAddresses *bool
	// Peers are as they were given, at most MaxPeers.
	Peers []Peer
	// Keys are the author's keys that were given, sorted.
	Keys []string
	// Unknown are keys under Prefix that mean nothing to netmode, sorted.
	Unknown []UnknownKey
}

// MaxNearest is how many unknown keys come with the nearest known one.
const MaxNearest = 10

// UnknownKey is an annotation key under Prefix that netmode does not know,
// with the known key nearest to it; only the first MaxNearest have one.
type UnknownKey struct {
	Key     string
	Nearest string
}

// ParseAnnotations reads an object's annotations strictly: every value of an
// author's key is checked, and every bad one is an error in field.Error form
// with the values that would be accepted. Keys that are not netmode's are not
// looked at.
func ParseAnnotations(annotations map[string]string, path *field.Path) (Intent, field.ErrorList) {
	var intent Intent
	var errs field.ErrorList
	for _, key := range AuthorKeys(annotations) {
		value := annotations[key]
		var err *field.Error
		switch key {
		case AnnotationMode:
			intent.Mode, err = oneOf(path.Key(key), value, Modes())
		case AnnotationSearchRewrite:
			intent.SearchRewrite, err = oneOf(path.Key(key), value, SearchRewrites())
		case AnnotationHostname:
			intent.Hostname, err = oneOf(path.Key(key), value, HostnameSources())
		case AnnotationService:
			intent.Service, err = serviceName(path.Key(key), value)
		case AnnotationPeers:
			intent.Peers, err = parsePeers(path.Key(key), value)
		case AnnotationWait:
			intent.Wait, err = parseWait(path.Key(key), value)
		case AnnotationWaitTimeout:
			intent.WaitTimeout, err = parseWaitTimeout(path.Key(key), value)
		case AnnotationPublishNotReadyAddresses:
			var word string
			if word, err = oneOf(path.Key(key), value, []string{"true", "false"}); err == nil {
				publish := word == "true"
				intent.PublishNotReadyAddresses = &publish
			}
		default:
			unknown := UnknownKey{Key: key}
			if len(intent.Unknown) < MaxNearest {
				unknown.Nearest = nearestKey(key)
			}
			intent.Unknown = append(intent.Unknown, unknown)
			continue
		}
		intent.Keys = append(intent.Keys, key)
		if err != nil {
			errs = append(errs, err)
		}
	}
	return intent, errs
}

// ParseMode reads a mode from a value at path, such as a namespace's label.
func ParseMode(value string, path *field.Path) (Mode, *field.Error) {
	return oneOf(path, value, Modes())
}

// Asks says whether an author wrote an annotation of netmode, be it one that
// means nothing, or more than MaxAnnotations of any kind: such an object is sent
// to netmode wherever it is.
func Asks(annotations map[string]string) bool {
	if len(annotations) > MaxAnnotations {
		return true
	}
	for key := range annotations {
		if IsAuthorKey(key) {
			return true
		}
	}
	return false
}

// AuthorKeys are the keys under Prefix that netmode does not write, sorted.
func AuthorKeys(annotations map[string]string) []string {
	var keys []string
	for key := range annotations {
		if IsAuthorKey(key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// IsAuthorKey says whether the key of an annotation is under Prefix, and not one that
// netmode writes.
func IsAuthorKey(key string) bool {
	return IsOwn(key) && key != AnnotationStatus && key != AnnotationCopied
}

// ReadsAnnotation says whether decisions read the value of the annotation; of
// others they read only how many there are.
func ReadsAnnotation(key []byte) bool {
	return IsOwn(key) || string(key) == AnnotationMirror || injectionAnnotations[string(key)]
}

// IsOwn says whether the key of an annotation or a label belongs to netmode.
func IsOwn[T ~string | ~[]byte](key T) bool {
	return len(key) >= len(Prefix) && string(key[:len(Prefix)]) == Prefix
}

func oneOf[T ~string](path *field.Path, value string, supported []T) (T, *field.Error) {
	if slices.Contains(supported, T(value)) {
		return T(value), nil
	}
	var none T
	return none, field.NotSupported(path, value, supported)
}

func serviceName(path *field.Path, value string) (string, *field.Error) {
	if problems := validation.IsDNS1123Label(value); len(problems) > 0 {
		return "", field.Invalid(path, value, "must be the name of a Service in the pod's namespace: "+problems[0])
	}
	return value, nil
}

// maxKey is the longest annotation key that Kubernetes allows, in bytes.
const maxKey = 253 + 1 + 63

// nearestKey returns the known key with the smallest edit distance to key.
func nearestKey(key string) string {
	key = key[:min(len(key), maxKey)]
	best, bestDistance := "", len(key)+1
	for _, known := range AuthorAnnotations() {
		if d := editDistance(key, known); d < bestDistance {
			best, bestDistance = known, d
		}
	}
	return best
}

// editDistance is the Levenshtein distance in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
