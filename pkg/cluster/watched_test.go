package cluster

import (
	"context"
	"errors"
	"slices"
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

// Lists come page by page, trimmed, and of one state of the cluster.
func TestPages(t *testing.T) {
	var asked []metav1.ListOptions
	pages := pagesFunc(func(options metav1.ListOptions) (*corev1.ServiceList, error) {
		asked = append(asked, options)
		list := &corev1.ServiceList{ListMeta: metav1.ListMeta{ResourceVersion: "7"}}
		switch options.Continue {
		case "":
			list.Continue = "second"
			list.Items = []corev1.Service{*newService("a", "one"), *newService("a", "two")}
		case "second":
			list.Continue = "third"
		case "third":
			list.Items = []corev1.Service{*newService("b", "three")}
		}
		return list, nil
	})
	heard := 0
	trim := &trimmer{}
	all, err := listTrimmed(t.Context(), pages, metav1.ListOptions{ResourceVersion: "0"}, trim.service, func() { heard++ })
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, item := range all.Items {
		if service, ok := item.(*trimmedService); ok {
			found = append(found, service.name)
		}
	}
	if !slices.Equal(found, []string{"one", "two", "three"}) || all.ResourceVersion != "7" || all.Continue != "" || heard != 3 {
		t.Errorf("%q at %q, heard %d times", found, all.ResourceVersion, heard)
	}
	for i, options := range asked {
		if want := []string{"", "second", "third"}[i]; options.Continue != want || options.Limit != pageSize || options.ResourceVersion != "" {
			t.Errorf("page %d: asked for %+v", i, options)
		}
	}
	broken := pagesFunc(func(options metav1.ListOptions) (*corev1.ServiceList, error) {
		if options.Continue != "" {
			return nil, errors.New("etcd is away")
		}
		return &corev1.ServiceList{ListMeta: metav1.ListMeta{Continue: "second"}}, nil
	})
	if all, err := listTrimmed(t.Context(), broken, metav1.ListOptions{}, trim.service, func() {}); err == nil {
		t.Errorf("half a list is taken for a whole one: %+v", all)
	}
}

// pagesFunc lists, and watches nothing.
type pagesFunc func(metav1.ListOptions) (*corev1.ServiceList, error)

// List implements resource.
func (f pagesFunc) List(_ context.Context, options metav1.ListOptions) (*corev1.ServiceList, error) {
	return f(options)
}

// Watch implements resource.
func (pagesFunc) Watch(context.Context, metav1.ListOptions) (watch.Interface, error) {
	return watch.NewFake(), nil
}

// A decision in a large cluster allocates no more than one in a small one. The race
// detector drops pooled buffers at random, so that an allocation or two may differ.
func TestDecisionAllocates(t *testing.T) {
	allocations := func(of size) float64 {
		decide := decider(t, of)
		for i := range of.namespaces {
			decide(i)
		}
		i := 0
		return testing.AllocsPerRun(2*of.namespaces, func() { decide(i); i++ })
	}
	few, many := allocations(small), allocations(size{namespaces: 1000, services: 1000, policies: 100})
	if many > few+3 {
		t.Errorf("%g allocations with many, %g with few", many, few)
	}
}
