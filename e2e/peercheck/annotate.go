package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"
)

// review is of an AdmissionReview (admission.k8s.io/v1) what annotate needs and answers.
type review struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Request    *struct {
		UID    string `json:"uid"`
		Object struct {
			Metadata struct {
				Annotations map[string]string `json:"annotations"`
			} `json:"metadata"`
		} `json:"object"`
	} `json:"request,omitempty"`
	Response *response `json:"response,omitempty"`
}

type response struct {
	UID       string `json:"uid"`
	Allowed   bool   `json:"allowed"`
	PatchType string `json:"patchType,omitempty"`
	Patch     []byte `json:"patch,omitempty"`
}

// annotator answers AdmissionReviews: every object gets the annotation.
func annotator(key, value string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked review
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.Request == nil {
			http.Error(w, "no AdmissionReview with a request", http.StatusBadRequest)
			return
		}
		answer := &response{UID: asked.Request.UID, Allowed: true}
		annotations := maps.Clone(asked.Request.Object.Metadata.Annotations)
		if annotations[key] != value {
			if annotations == nil {
				annotations = map[string]string{}
			}
			annotations[key] = value
			patch, err := json.Marshal([]map[string]any{{"op": "add", "path": "/metadata/annotations", "value": annotations}})
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			answer.PatchType, answer.Patch = "JSONPatch", patch
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(review{APIVersion: asked.APIVersion, Kind: asked.Kind, Response: answer})
	})
}

// annotate serves the annotator of pair, KEY=VALUE, over TLS until ctx ends.
func annotate(ctx context.Context, address, certificate, key, pair string) error {
	name, value, ok := strings.Cut(pair, "=")
	if !ok || name == "" {
		return fmt.Errorf("annotate: want KEY=VALUE, have %q: %s", pair, usage)
	}
	server := &http.Server{Addr: address, Handler: annotator(name, value), ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.ListenAndServeTLS(certificate, key); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
