package cluster

import (
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	kubetesting "k8s.io/client-go/testing"
)

// The age is that of the kind that is longest silent, and a bookmark ends the
// silence as an object does.
func TestAge(t *testing.T) {
	client := fake.NewClientset()
	services, namespaces := watch.NewFake(), watch.NewFake()
	client.PrependWatchReactor("services", kubetesting.DefaultWatchReactor(services, nil))
	client.PrependWatchReactor("namespaces", kubetesting.DefaultWatchReactor(namespaces, nil))
	c, err := New(client, newPolicies(), logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	before := new(time.Now().Add(-time.Hour))
	for _, w := range c.all() {
		w.heard.Store(before)
	}
	if age := c.Age(); age < time.Hour {
		t.Errorf("%s, want an hour", age)
	}
	run(t, c)
	if age := c.Age(); age >= time.Hour {
		t.Errorf("%s, though all has been read", age)
	}
	c.services.heard.Store(before)
	c.namespaces.heard.Store(before)
	services.Add(newService("a", "web"))
	eventually(t, func() bool { return c.services.age() < time.Hour })
	if age := c.Age(); age < time.Hour {
		t.Errorf("%s, though nothing was heard of namespaces", age)
	}
	namespaces.Action(watch.Bookmark, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{ResourceVersion: "9"}})
	eventually(t, func() bool { return c.Age() < time.Hour })
}

// A watch that is stopped ends, also where an event waits that nobody takes.
func TestWatchEnds(t *testing.T) {
	events := watch.NewFake()
	heard := make(chan struct{}, 2)
	w := newHeardWatch(events, func() { heard <- struct{}{} })
	<-heard
	events.Add(newService("a", "web"))
	<-heard
	w.Stop()
	w.Stop()
	for range w.ResultChan() { // ends
	}
}
