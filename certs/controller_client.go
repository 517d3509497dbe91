package certs

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// NewController makes a Controller that works through client. It does nothing before Run.
// It needs get, update, list and watch on the two Secrets, and get, patch, list
// and watch on the webhook configurations; lists and watches are of one object
// each, by field selector metadata.name, so rights can name it.
func NewController(client kubernetes.Interface, config ControllerConfig, hooks ControllerHooks, log logr.Logger) *Controller {
	secrets := client.CoreV1().Secrets(config.Namespace)
	mutating := client.AdmissionregistrationV1().MutatingWebhookConfigurations()

	watched := []watchedObject{
		watchOne(config.Secret, &corev1.Secret{}, secrets.List, secrets.Watch),
		watchOne(config.AuthoritySecret(), &corev1.Secret{}, secrets.List, secrets.Watch),
	}
	for _, name := range config.WebhookConfigurations {
		watched = append(watched, watchOne(name, &admissionv1.MutatingWebhookConfiguration{}, mutating.List, mutating.Watch))
	}
	return &Controller{
		config:         config,
		rules:          rules{names: config.DNSNames(), caLifetime: config.CALifetime, leafLifetime: config.LeafLifetime},
		secrets:        secrets,
		configurations: mutating,
		watch:          func(ctx context.Context, changed func()) { watchAll(ctx, log, watched, changed) },
		hooks:          hooks,
		log:            log,
		recheck:        recheckTime,
		said:           map[string]string{},
	}
}

// watchedObject is one object whose changes are watched.
type watchedObject struct {
	name string
	kind runtime.Object
	from *cache.ListWatch
}

func watchOne[L runtime.Object](name string, kind runtime.Object,
	list func(context.Context, metav1.ListOptions) (L, error),
	open func(context.Context, metav1.ListOptions) (apiwatch.Interface, error),
) watchedObject {
	only := fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()
	return watchedObject{name: name, kind: kind, from: &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector = only
			return list(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (apiwatch.Interface, error) {
			o.FieldSelector = only
			return open(ctx, o)
		},
	}}
}

// watchAll calls changed soon after any of the objects changed, until ctx ends.
// Events only wake the Controller: it reads what it needs itself. The logger is not
// in ctx, as client-go would log the bodies of Secrets there.
func watchAll(ctx context.Context, log logr.Logger, objects []watchedObject, changed func()) {
	var running sync.WaitGroup
	defer running.Wait()
	for _, o := range objects {
		informer := cache.NewSharedIndexInformer(o.from, o.kind, 0, cache.Indexers{})
		handler := cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { changed() },
			UpdateFunc: func(_, _ any) { changed() },
			DeleteFunc: func(any) { changed() },
		}
		failed := func(_ context.Context, _ *cache.Reflector, err error) {
			if !errors.Is(err, io.EOF) && !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) {
				log.Info("watch broken, opened again soon", "name", o.name, "cause", withCure(err).Error())
			}
		}
		err := informer.SetTransform(onlyMetadata)
		if err == nil {
			err = informer.SetWatchErrorHandlerWithContext(failed)
		}
		if err == nil {
			_, err = informer.AddEventHandler(handler)
		}
		if err != nil { // only for an informer that runs already
			log.Error(err, "not watched, looked at once an hour", "name", o.name)
			continue
		}
		running.Go(func() { informer.RunWithContext(ctx) })
	}
}

// onlyMetadata keeps private keys out of a cache that nobody reads.
func onlyMetadata(found any) (any, error) {
	o, isObject := found.(metav1.Object)
	if !isObject {
		return found, nil // a tombstone
	}
	kept := &metav1.PartialObjectMetadata{}
	kept.Name, kept.Namespace, kept.UID, kept.ResourceVersion = o.GetName(), o.GetNamespace(), o.GetUID(), o.GetResourceVersion()
	return kept, nil
}
