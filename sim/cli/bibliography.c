/* SPDX-License-Identifier: MIT */
/* Papers by arXiv number: a code's reference says which it comes from. Titles are from memory, as
 * in docs/theory.md; tests/commands.bats finds a number that is missing here. */
#include "sim/cli/bibliography.h"

#include "codes/frame/code.h"

#include <string.h>

static const struct {
  const char *arxiv, *key, *authors, *title, *venue, *year; /* venue "": a preprint */
} papers[] = {
    {"1404.1328", "wang2014efficient", "Wang, Da and Joshi, Gauri and Wornell, Gregory W.",
     "Efficient Task Replication for Fast Response Times in Parallel Computation", "", "2014"},
    {"1604.00981", "chen2016revisiting",
     "Chen, Jianmin and Pan, Xinghao and Monga, Rajat and Bengio, Samy and Jozefowicz, Rafal",
     "Revisiting Distributed Synchronous {SGD}", "", "2016"},
    {"1612.03301", "tandon2017gradient",
     "Tandon, Rashish and Lei, Qi and Dimakis, Alexandros G. and Karampatziakis, Nikos",
     "Gradient Coding: Avoiding Stragglers in Distributed Learning",
     "International Conference on Machine Learning (ICML)", "2017"},
    {"1412.6980", "kingma2015adam", "Kingma, Diederik P. and Ba, Jimmy",
     "Adam: A Method for Stochastic Optimization",
     "International Conference on Learning Representations (ICLR)", "2015"},
    {"1706.05436", "halbawi2018improving",
     "Halbawi, Wael and Azizan, Navid and Salehi, Fariborz and Hassibi, Babak",
     "Improving Distributed Gradient Descent Using {Reed--Solomon} Codes",
     "IEEE International Symposium on Information Theory (ISIT)", "2018"},
    {"1707.03858", "raviv2017gradient",
     "Raviv, Netanel and Tamo, Itzhak and Tandon, Rashish and Dimakis, Alexandros G.",
     "Gradient Coding from Cyclic {MDS} Codes and Expander Graphs", "", "2017"},
    {"1710.09990", "li2017near",
     "Li, Songze and Mousavi Kalan, Seyed Mohammadreza and Avestimehr, A. Salman and "
     "Soltanolkotabi, Mahdi",
     "Near-Optimal Straggler Mitigation for Distributed Gradient Methods", "", "2017"},
    {"1711.05101", "loshchilov2019decoupled", "Loshchilov, Ilya and Hutter, Frank",
     "Decoupled Weight Decay Regularization",
     "International Conference on Learning Representations (ICLR)", "2019"},
    {"1711.06771", "charles2017approximate",
     "Charles, Zachary and Papailiopoulos, Dimitris and Ellenberg, Jordan",
     "Approximate Gradient Coding via Sparse Random Graphs", "", "2017"},
    {"1802.03475", "ye2018communication", "Ye, Min and Abbe, Emmanuel",
     "Communication--Computation Efficient Gradient Coding",
     "International Conference on Machine Learning (ICML)", "2018"},
    {"1803.01113", "dutta2018slow",
     "Dutta, Sanghamitra and Joshi, Gauri and Ghosh, Soumyadip and Dube, Parijat and "
     "Nagpurkar, Priya",
     "Slow and Stale Gradients Can Win the Race: Error-Runtime Trade-offs in Distributed {SGD}",
     "International Conference on Artificial Intelligence and Statistics (AISTATS)", "2018"},
    {"1805.09767", "stich2019local", "Stich, Sebastian U.",
     "Local {SGD} Converges Fast and Communicates Little",
     "International Conference on Learning Representations (ICLR)", "2019"},
    {"1805.09934", "li2018polynomially",
     "Li, Songze and Mousavi Kalan, Seyed Mohammadreza and Yu, Qian and Soltanolkotabi, Mahdi and "
     "Avestimehr, A. Salman",
     "Polynomially Coded Regression: Optimal Straggler Mitigation via Data Encoding", "", "2018"},
    {"1805.10378", "charles2018gradient", "Charles, Zachary and Papailiopoulos, Dimitris",
     "Gradient Coding via the Stochastic Block Model", "", "2018"},
    {"1806.00939", "yu2019lagrange",
     "Yu, Qian and Li, Songze and Raviv, Netanel and Mousavi Kalan, Seyed Mohammadreza and "
     "Soltanolkotabi, Mahdi and Avestimehr, A. Salman",
     "Lagrange Coded Computing: Optimal Design for Resiliency, Security, and Privacy",
     "International Conference on Artificial Intelligence and Statistics (AISTATS)", "2019"},
    {"1810.08313", "wang2019adaptive", "Wang, Jianyu and Joshi, Gauri",
     "Adaptive Communication Strategies to Achieve the Best Error-Runtime Trade-off in "
     "Local-Update {SGD}",
     "Conference on Machine Learning and Systems (MLSys)", "2019"},
    {"1901.04668", "horii2019distributed",
     "Horii, Shunsuke and Yoshida, Takahiro and Kobayashi, Manabu and Matsushima, Toshiyasu",
     "Distributed Stochastic Gradient Descent Using {LDGM} Codes", "", "2019"},
    {"1901.08166", "wang2019fundamental", "Wang, Sinong and Liu, Jiashang and Shroff, Ness",
     "Fundamental Limits of Approximate Gradient Coding", "", "2019"},
    {"1901.09339", "wang2019heterogeneity",
     "Wang, Haozhao and Guo, Song and Tang, Bin and Li, Ruixuan and Li, Chengjie",
     "Heterogeneity-aware Gradient Coding for Straggler Tolerance", "", "2019"},
    {"1901.09671", "wang2019erasurehead",
     "Wang, Hongyi and Charles, Zachary and Papailiopoulos, Dimitris",
     "{ErasureHead}: Distributed Gradient Descent without Delays Using Approximate Gradient Coding",
     "", "2019"},
    {"1902.01981", "reisizadeh2019codedreduce",
     "Reisizadeh, Amirhossein and Prakash, Saurav and Pedarsani, Ramtin and Avestimehr, A. Salman",
     "{CodedReduce}: A Fast and Robust Framework for Gradient Aggregation in Distributed Learning",
     "", "2019"},
    {"1903.01974", "ozfatura2019gradient",
     "Ozfatura, Emre and G{\\\"u}nd{\\\"u}z, Deniz and Ulukus, Sennur",
     "Gradient Coding with Clustering and Multi-Message Communication", "", "2019"},
    {"1904.13373", "kadhe2019gradient",
     "Kadhe, Swanand and Koyluoglu, O. Ozan and Ramchandran, Kannan",
     "Gradient Coding Based on Block Designs for Mitigating Adversarial Stragglers", "", "2019"},
    {"1905.05383", "bitar2019stochastic", "Bitar, Rawad and Wootters, Mary and El Rouayheb, Salim",
     "Stochastic Gradient Coding for Straggler Mitigation in Distributed Learning", "", "2019"},
    {"1909.02516", "sasi2019straggler",
     "Sasi, Shanuja and Lalitha, V. and Aggarwal, Vaneet and Rajan, B. Sundar",
     "Straggler Mitigation with Tiered Gradient Codes", "", "2019"},
    {"2002.11005", "kashanna2020adaptive",
     "Kas Hanna, Serge and Bitar, Rawad and Parag, Parimal and Dasari, Venkat and "
     "El Rouayheb, Salim",
     "Adaptive Distributed Stochastic Gradient Descent for Minimizing Delay in the Presence of "
     "Stragglers",
     "IEEE International Conference on Acoustics, Speech and Signal Processing (ICASSP)", "2020"},
    {"2003.10579", "dutta2020slow", "Dutta, Sanghamitra and Wang, Jianyu and Joshi, Gauri",
     "Slow and Stale Gradients Can Win the Race", "", "2020"},
    {"2004.04948", "ozfatura2020straggler",
     "Ozfatura, Emre and Ulukus, Sennur and G{\\\"u}nd{\\\"u}z, Deniz",
     "Straggler-Aware Distributed Learning: Communication--Computation Latency Trade-off", "",
     "2020"},
    {"2005.07184", "kadhe2020communication",
     "Kadhe, Swanand and Koyluoglu, O. Ozan and Ramchandran, Kannan",
     "Communication-Efficient Gradient Coding for Straggler Mitigation in Distributed Learning",
     "IEEE International Symposium on Information Theory (ISIT)", "2020"},
    {"2006.04845", "cao2020adaptive", "Cao, Hankun and Yan, Qifa and Tang, Xiaohu and Han, Guojun",
     "Adaptive Gradient Coding", "", "2020"},
    {"2006.09638", "glasgow2020approximate", "Glasgow, Margalit and Wootters, Mary",
     "Approximate Gradient Coding with Optimal Decoding", "", "2020"},
    {"2009.08327", "jahaninezhad2020berrut", "Jahani-Nezhad, Tayyebeh and Maddah-Ali, Mohammad Ali",
     "Berrut Approximated Coded Computing: Straggler Resistance Beyond Polynomial Computing", "",
     "2020"},
    {"2011.01922", "buyukates2020gradient",
     "Buyukates, Baturalp and Ozfatura, Emre and Ulukus, Sennur and G{\\\"u}nd{\\\"u}z, Deniz",
     "Gradient Coding with Dynamic Clustering for Straggler Mitigation", "", "2020"},
    {"2103.01589", "jahaninezhad2021optimal",
     "Jahani-Nezhad, Tayyebeh and Maddah-Ali, Mohammad Ali",
     "Optimal Communication--Computation Trade-off in Heterogeneous Gradient Coding", "", "2021"},
    {"2105.05231", "sakorikar2021soft", "Sakorikar, Animesh and Wang, Lele",
     "Soft {BIBD} and Product Gradient Codes", "", "2021"},
    {"2106.06639", "nguyen2022fedbuff",
     "Nguyen, John and Malik, Kshitiz and Zhan, Hongyuan and Yousefpour, Ashkan and "
     "Rabbat, Michael and Malek, Mani and Huba, Dzmitry",
     "Federated Learning with Buffered Asynchronous Aggregation",
     "International Conference on Artificial Intelligence and Statistics (AISTATS)", "2022"},
    {"2201.12990", "soto2022projective", "Soto, Pedro and Ilmer, Ilia and Guan, Haibin and Li, Jun",
     "Lightweight Projective Derivative Codes for Compressed Asynchronous Gradient Descent", "",
     "2022"},
    {"2206.02450", "wang2022optimization",
     "Wang, Qi and Cui, Ying and Li, Chenglin and Zou, Junni and Xiong, Hongkai",
     "Optimization-based Block Coordinate Gradient Coding", "", "2022"},
    {"2206.07638", "mishchenko2022asynchronous",
     "Mishchenko, Konstantin and Bach, Francis and Even, Mathieu and Woodworth, Blake",
     "Asynchronous {SGD} Beats Minibatch {SGD} Under Arbitrary Delays",
     "Advances in Neural Information Processing Systems (NeurIPS)", "2022"},
    {"2206.08307", "koloskova2022sharper",
     "Koloskova, Anastasia and Stich, Sebastian U. and Jaggi, Martin",
     "Sharper Convergence Guarantees for Asynchronous {SGD} for Distributed and Federated Learning",
     "Advances in Neural Information Processing Systems (NeurIPS)", "2022"},
    {"2208.03134", "kashanna2022adaptive",
     "Kas Hanna, Serge and Bitar, Rawad and Parag, Parimal and Dasari, Venkat and "
     "El Rouayheb, Salim",
     "Adaptive Stochastic Gradient Descent for Fast and Communication-Efficient Distributed "
     "Learning",
     "", "2022"},
    {"2211.13802", "krishnan2023sequential",
     "Krishnan, M. Nikhil and Ebrahimi, MohammadReza and Khisti, Ashish",
     "Sequential Gradient Coding for Straggler Mitigation",
     "International Conference on Learning Representations (ICLR)", "2023"},
    {"2212.08580", "massny2023nested",
     "Ma{\\ss}ny, Luis and Hofmeister, Christoph and Egger, Maximilian and Bitar, Rawad and "
     "Wachter-Zeh, Antonia",
     "Nested Gradient Codes for Straggler Mitigation in Distributed Machine Learning",
     "IEEE Information Theory Workshop (ITW)", "2023"},
    {"2305.12387", "tyurin2023optimal", "Tyurin, Alexander and Richt{\\'a}rik, Peter",
     "Optimal Time Complexities of Parallel Stochastic Optimization Methods Under a Fixed "
     "Computation Model",
     "Advances in Neural Information Processing Systems (NeurIPS)", "2023"},
    {"2311.08105", "douillard2023diloco", "Douillard, Arthur and others",
     "{DiLoCo}: Distributed Low-Communication Training of Language Models", "", "2023"},
    {"2306.10598", "giladi2023dropcompute",
     "Giladi, Niv and Gottlieb, Shahar and Shkolnik, Moran and Karnieli, Asaf and Banner, Ron and "
     "Hoffer, Elad and Levy, Kfir Y. and Soudry, Daniel",
     "{DropCompute}: Simple and More Robust Distributed Synchronous Training via Compute Variance "
     "Reduction",
     "", "2023"},
    {"2405.19509", "ramamoorthy2024leveraging",
     "Ramamoorthy, Aditya and Meng, Ruoyu and Girimaji, Vrinda S.",
     "Leveraging Partial Stragglers Within Gradient Coding",
     "Advances in Neural Information Processing Systems (NeurIPS)", "2024"},
    {"2406.10831", "tang2024hierarchical", "Tang and others",
     "Hierarchical Gradient Coding with Edge Nodes", "", "2024"},
    {"2406.12900", "choukroun2024factor", "Choukroun, Yoni and Wolf, Lior",
     "Factor Graph Optimization of Error-Correcting Codes for Belief Propagation Decoding", "",
     "2024"},
    {"2410.04285", "maranjyan2025mindflayer",
     "Maranjyan, Artavazd and Shaikh Omar, Omar and Richt{\\'a}rik, Peter",
     "{MindFlayer} {SGD}: Efficient Parallel {SGD} in the Presence of Heterogeneous and Random "
     "Worker Compute Times",
     "Conference on Uncertainty in Artificial Intelligence (UAI)", "2025"},
    {"2501.18512", "douillard2025streaming", "Douillard, Arthur and others",
     "Streaming {DiLoCo} with Overlapping Communication: Towards a Distributed Free Lunch", "",
     "2025"},
    {"2501.16168", "maranjyan2025ringmaster",
     "Maranjyan, Arto and Tyurin, Alexander and Richt{\\'a}rik, Peter",
     "Ringmaster {ASGD}: The First Asynchronous {SGD} with Optimal Time Complexity",
     "International Conference on Machine Learning (ICML)", "2025"},
    {"2505.23523", "devraj2025stragglar", "Devraj and others",
     "{StragglAR}: {AllReduce} with a Late Worker", "", "2025"},
    {"2510.22539", "song2025osgc", "Song and Choi",
     "{OSGC}: Gradient Coding under Unequal Straggling Probabilities", "", "2025"},
    {"2604.10374", "jiang2026sparse", "Jiang and Zhang and Wang",
     "Sparse {Gaussian} and Expansion-Preserving Gradient Codes", "", "2026"},
    {"2605.15890", "cagc2026", "{The authors of 2605.15890}",
     "{CAGC}: Gradient Coding with Bits of Their Own for Each Worker", "", "2026"},
};

void sg_put_bib(const char *reference, sg_buffer *out) {
  sg_put(out, "% Titles and first names are from memory: compare them with arXiv.\n");
  for (size_t i = 0; i < sizeof papers / sizeof *papers; i++) {
    bool named = reference && strstr(reference, papers[i].arxiv);
    for (int c = 0; !reference && !named && sg_code_type_at(c); c++)
      named = strstr(sg_code_type_at(c)->about.reference, papers[i].arxiv);
    for (int c = 0; !reference && !named && sg_collective_family.at(c); c++)
      named = sg_collective_family.at(c)->reference &&
              strstr(sg_collective_family.at(c)->reference, papers[i].arxiv);
    if (!named) continue;
    bool venue = *papers[i].venue;
    sg_putf(out, "\n@%s{%s,\n  author = {%s},\n  title = {%s},\n", venue ? "inproceedings" : "misc",
            papers[i].key, papers[i].authors, papers[i].title);
    if (venue) sg_putf(out, "  booktitle = {%s},\n", papers[i].venue);
    sg_putf(out, "  year = {%s},\n  eprint = {%s},\n  archiveprefix = {arXiv}\n}\n", papers[i].year,
            papers[i].arxiv);
  }
}
