/**
 * Pure: the names of files that hold secrets, in the syntax of gitignore, by what the tools that write them call them. Not
 * among them is what is public by its nature (certificates), what no editor opens as text (databases), and what is
 * usually something else (`config.json`, `keys/`, `env/`), though peers have it: a list that is in the way is turned off.
 */

/** Names that nothing brings back: anywhere on the path, in the syntax of gitignore. */
export const SECRET = patterns(`
  .env*  *.env  .envs/
  !.env*.example  !.env*.sample  !.env*.template  !.env*.dist  !example.env  !sample.env  !template.env
  *.pem  *.key  *.p8  *.p12  *.pfx  *.ppk  *.jks  *.keystore  *.bks  *.gpg  *.pgp  *.age
  *.kdb  *.kdbx  *.keychain  *.keychain-db  *.agilekeychain  *.opvault  *.1pif  .password-store/
  id_rsa*  id_dsa*  id_ecdsa*  id_ed25519*  ssh_host_*_key  .ssh/  .gnupg/
  .npmrc  .yarnrc  .yarnrc.yml  .pypirc  .netrc  _netrc  .pgpass  .my.cnf  .mylogin.cnf  .htpasswd  .s3cfg  .boto
  .git-credentials  **/.git/config  .dockercfg  .dockerconfigjson  **/.docker/config.json  .vault-token
  **/.aws/credentials  **/.aws/config  **/.aws/sso/  **/.config/gcloud/  **/.config/gh/hosts.yml  .azure/  .kube/
  **/.cargo/credentials  **/.cargo/credentials.toml  **/.gem/credentials  .terraformrc  .terraform.d/  *.tfstate
  *.tfstate.*  kubeconfig  !kubeconfig/  .*_history
`);

const DATA = ['json', 'yml', 'yaml', 'toml', 'ini', 'xml', 'csv', 'properties', 'txt', 'enc'];

/** Names that hold secrets more often than not, below the workspace folder; a `.foretypeignore` may bring them back. */
export const SENSITIVE = patterns(`
  secrets/  .secrets/  *.secret  *.secrets  *.token  *.tfvars  *.tfvars.json  credentials  !credentials/
  ${['*credentials', 'secrets', 'client_secret*', 'service-account*', 'service_account*', 'serviceaccount*']
    .flatMap((name) => DATA.map((ending) => `${name}.${ending}`))
    .join('  ')}
`);

function patterns(text: string): string[] {
  return text.trim().split(/\s+/u);
}
