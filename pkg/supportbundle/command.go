// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package supportbundle

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/clientcmd"
)

// Options say what is collected.
type Options struct {
	// Output is the file to write.
	Output string
	// Kubeconfig and Context choose the cluster, as for kubectl.
	Kubeconfig, Context string
	// Namespace is that of our server.
	Namespace string
	// Server is an address of our server itself; empty means through its pod.
	Server string
	// Since is how far logs go back. DFSLogs adds those of file servers.
	Since   time.Duration
	DFSLogs bool
}

const timeFormat = "20060102T150405Z"

// NewCommand returns the command support-bundle.
func NewCommand(namespace string) *cobra.Command {
	o := Options{Namespace: namespace}
	cmd := &cobra.Command{
		Use:   "support-bundle",
		Short: "Collect what somebody needs who is to help, without secrets",
		Long: `Collect versions, health, DittoServers, what they became, events and logs into an archive, by a kubeconfig and with the
rights of whoever runs it. Nothing is changed. What cannot be had is noted in its index, and is no error.

Of Secrets there are names, keys and lengths. Literal values of environment variables, the text of free configuration and
of config files, and annotations of others are withheld. Secrets of file servers that you may read are read, in order to
take their values out of logs and events too. Look through it before you send it.`,
		Example: `  dittofs-apiserver support-bundle
  dittofs-apiserver support-bundle --output=bundle.tar.gz --since=2h --dfs-logs`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			now := time.Now()
			if o.Output == "" {
				o.Output = "dittofs-support-" + now.UTC().Format(timeFormat) + ".tar.gz"
			}
			if o.Since <= 0 {
				return fmt.Errorf("--since=%s: must be more than 0", o.Since)
			}
			c, err := newCollector(o)
			if err != nil {
				return err
			}
			c.collect(cmd.Context())
			if err := c.write(o.Output, now); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%sWrote %s.\n", c.index(now), o.Output)
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Output, "output", o.Output, "File to write, which must not exist. Left out, dittofs-support-TIME.tar.gz here.")
	flags.StringVar(&o.Kubeconfig, "kubeconfig", "", "File with the connection to the cluster. Left out, that of kubectl.")
	flags.StringVar(&o.Context, "context", "", "Context in that file. Left out, the current one.")
	flags.StringVar(&o.Namespace, "namespace", o.Namespace, "Namespace of our server.")
	flags.StringVar(&o.Server, "server", "", "Address of our server itself, such as https://localhost:10250 behind kubectl port-forward, to have its metrics too. Its certificate is verified by the caBundle of the APIService.")
	flags.DurationVar(&o.Since, "since", 24*time.Hour, "How far back logs go.")
	flags.BoolVar(&o.DFSLogs, "dfs-logs", false, "Add the logs of file servers. They have names of files and of users.")
	return cmd
}

func newCollector(o Options) (*collector, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.Kubeconfig
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: o.Context}).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("--kubeconfig: %w", err)
	}
	config.QPS, config.Burst = 50, 100
	c := &collector{options: o, config: config}
	if c.kube, err = kubernetes.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("client of the cluster: %w", err)
	}
	if c.dynamic, err = dynamic.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("client of the cluster: %w", err)
	}
	if c.metadata, err = metadata.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("client of the cluster: %w", err)
	}
	return c, nil
}
